"""Passwords, tokens and other guards that stand on their own."""
