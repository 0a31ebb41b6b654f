"""What reviews refuse."""

from __future__ import annotations

from quickshop.kernel.errors import Forbidden


class NotABuyer(Forbidden):
    """Only who bought a product, with an order that went through, may review it."""

    code, title = "not_a_buyer", "For buyers only"

    def __init__(self) -> None:
        super().__init__("Only those who bought this product can review it.")


class OwnReview(Forbidden):
    """Nobody votes on what they wrote themselves."""

    code, title = "own_review", "Your own review"

    def __init__(self) -> None:
        super().__init__("You cannot vote on your own review.")
