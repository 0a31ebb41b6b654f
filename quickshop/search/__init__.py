"""Finding products: lists, filters, facets, full text with its mistakes forgiven, suggestions. Reads only."""
