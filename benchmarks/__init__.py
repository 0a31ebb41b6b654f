"""Load programs: real HTTP against a running shop, figures printed, nothing asserted."""
