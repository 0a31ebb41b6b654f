"""What the API, the shop's pages and the staff's pages share: access, bodies, errors, limits, headers."""
