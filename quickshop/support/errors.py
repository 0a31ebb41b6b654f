"""What support refuses."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict, ShopError


class TicketClosed(Conflict):
    """The conversation is over."""

    code, title = "ticket_closed", "This conversation is closed"

    def __init__(self) -> None:
        super().__init__("This conversation is closed; please open a new one.")


class TicketChanged(Conflict):
    """Somebody changed the ticket meanwhile."""

    code, title = "ticket_changed", "Changed meanwhile"

    def __init__(self) -> None:
        super().__init__("A colleague has changed this ticket meanwhile; please look at it again.")


class TicketFull(Conflict):
    """There is no room for more in one conversation."""

    code, title = "ticket_full", "This conversation is full"

    def __init__(self, what: str) -> None:
        super().__init__(f"A conversation has room for {what}; please open a new one.")


class TooManyTickets(ShopError):
    """A shopper has too many conversations open at once, or an address too many a day."""

    status, code, title = 429, "too_many_tickets", "Too many conversations"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class TooManyFiles(ShopError):
    """A shopper has sent as much as one may in a day."""

    status, code, title = 429, "too_many_files", "Too many files"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            "You have sent many files today; please go on tomorrow.", headers={"Retry-After": str(seconds)}
        )


class ReplyExists(Conflict):
    """Another canned reply has this title."""

    code, title = "reply_exists", "There is such a reply already"

    def __init__(self) -> None:
        super().__init__("Another canned reply has this title.")


_WHY = {
    "empty": "The file is empty.",
    "too_large": "A file may have 5 MiB at most.",
    "unknown_type": "Send a picture (JPEG, PNG, GIF, WebP, AVIF), a PDF or a plain text.",
}


class FileRefused(ShopError):
    """The upload is no file that is taken; `reason` is a machine word."""

    status, code, title = 422, "file_refused", "This file cannot be sent"

    def __init__(self, reason: str) -> None:
        super().__init__(_WHY[reason], reason=reason)
