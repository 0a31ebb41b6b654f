"""The programs behind `make run`: embedded PostgreSQL and Valkey, and the supervisor that keeps the shop's
processes alive. Nothing here knows what a product or an order is."""
