"""The replay: real invoices from a file, bought one by one through a running shop's public API, then reconciled.

A client program: it speaks HTTP only and knows nothing of the shop's database.
"""
