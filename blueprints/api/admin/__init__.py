"""What staff do, by API: a module per area, all under /api/v1/admin."""
