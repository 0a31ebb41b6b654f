"""Telling other systems what happens in the shop: endpoints, the log of events, deliveries with their attempts."""
