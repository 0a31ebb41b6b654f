"""Checkout: quote, hold, and turning a cart into an order."""
