"""Carriers: one small port, the simulated one, and parcels that are brought to a carrier by hand."""
