"""Promotions and what they take off, codes, gift cards and store credit."""
