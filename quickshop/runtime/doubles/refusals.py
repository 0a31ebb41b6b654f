"""The one way the gateway says no: a status, a stable word, a sentence."""

from __future__ import annotations


class Refused(Exception):
    """A definite no. Nothing was stored under the call's key, which stays free."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def key_reused() -> Refused:
    """The key already belongs to another call."""
    return Refused(409, "key_reused", "This key was used for another call.")
