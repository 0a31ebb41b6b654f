"""Files of products, prices and stock: read in without holding them in memory, written out in the same shapes."""
