"""Shipping methods and delivery windows."""
