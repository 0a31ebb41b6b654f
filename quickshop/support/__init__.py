"""Support: conversations of shoppers with staff, about an order or anything else, with files; and canned replies."""
