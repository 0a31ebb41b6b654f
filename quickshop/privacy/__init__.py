"""What the shop knows of a person, across all rooms: a map of it, a copy of it for them, and its end."""
