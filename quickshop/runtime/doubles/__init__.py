"""The simulated outside world of development: a payment gateway with its own ledger, and the mailbox viewer.

One plain WSGI program in its own process. It knows nothing of the shop but the protocol in docs/gateway.md
and the webhook signature, so that charges can be counted independently of the shop's own books.
"""
