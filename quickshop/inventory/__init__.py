"""Stock: how much there is, what is held, and every movement."""
