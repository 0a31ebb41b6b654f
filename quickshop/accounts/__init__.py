"""People: accounts, sessions, roles, and the keys that seal what we know of them."""
