"""Who a request's work is put down to: the caller and the coarse network it came from, for the audit log."""

from __future__ import annotations

from flask import request

from quickshop.accounts.callers import Caller
from quickshop.kernel import tracing
from quickshop.security.networks import coarse_network


def act_as(caller: Caller) -> None:
    """From here on the request's work is the caller's."""
    tracing.set_actor(caller.actor, coarse_network(request.remote_addr or ""))
