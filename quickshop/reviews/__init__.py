"""What buyers say of products: one review each, votes on them, moderation, and the rating that follows from them."""
