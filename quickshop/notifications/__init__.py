"""Telling people: which message for which fact, and the channels that carry it."""
