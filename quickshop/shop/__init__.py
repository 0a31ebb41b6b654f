"""What staff set for the whole shop while it runs: thresholds of risk and of priority."""
