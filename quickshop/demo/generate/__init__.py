"""A large catalogue that looks like a real one: made from a number, the same each time."""
