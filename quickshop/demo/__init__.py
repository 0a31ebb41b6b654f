"""The demo shop of development: its catalogue, its accounts, and what fills a database with them."""
