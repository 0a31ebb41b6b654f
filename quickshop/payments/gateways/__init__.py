"""Providers behind the payment port: the port itself, its clients, and what guards them."""
