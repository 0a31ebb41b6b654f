"""The ways a message leaves the shop, behind one small port."""
