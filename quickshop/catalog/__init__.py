"""What the shop sells: categories, products, variants, and the documents made of them."""
