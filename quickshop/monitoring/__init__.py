"""Figures about the running shop: queues, waits, rates, readiness."""
