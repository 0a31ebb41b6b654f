"""The HTTP edge: REST API, storefront and admin pages."""
