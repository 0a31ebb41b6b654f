"""Tax: classes of products, rates by country and region, and what a line owes."""
