"""Payments: attempts, their outcomes, and the port to payment gateways."""
