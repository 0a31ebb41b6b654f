"""Orders: placing, numbers, states, priority, processing, and the log of each."""
