"""What the API takes and documents, one module per domain. Values are checked here; rules live in the core."""
