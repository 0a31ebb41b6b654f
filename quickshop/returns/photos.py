"""Pictures that show why something comes back. They are the shopper's: sealed, and seen by them and by staff alone."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from quickshop.accounts.people import person_key
from quickshop.catalog.renditions import Rendition
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.states import WrongState
from quickshop.orders.viewers import Viewer
from quickshop.returns import locking
from quickshop.returns.errors import TooManyPhotos
from quickshop.returns.models import MOST_PHOTOS
from quickshop.returns.states import State

FORMAT = "webp"
WIDEST = 960


def add(number: str, place: int, viewer: Viewer, files: Sequence[Rendition]) -> int:
    """Keep a picture of a return that was not received yet, of its renditions the widest up to 960 px; its position.

    Raises NotFound, WrongState, TooManyPhotos (five at most). Writes; the caller commits.
    """
    order = locking.order_by_number(number)
    found = db.row("SELECT * FROM returns WHERE order_id = :id AND number = :n FOR UPDATE", id=order.id, n=place)
    if found is None or not viewer.may_see(order.id, order.user_id) or order.wrapped_key is None:
        raise NotFound("return")
    if found.state not in (State.REQUESTED, State.APPROVED):
        raise WrongState("It is too late for pictures.", state=found.state)
    kept = int(db.scalar("SELECT count(*) FROM return_photos WHERE return_id = :id", id=found.id))
    if kept >= MOST_PHOTOS:
        raise TooManyPhotos(f"A return has {MOST_PHOTOS} pictures at most.")
    photo_id, file = new_id(), _chosen(files)
    person = person_key(order.person_id, order.key_id, order.wrapped_key)
    body = base64.b64encode(file.body).decode()
    db.run(
        "INSERT INTO return_photos (id, return_id, person_id, position, width, height, body)"
        " VALUES (:id, :return, :person, :position, :width, :height, :body)",
        id=photo_id,
        **{"return": found.id},
        person=order.person_id,
        position=kept + 1,
        width=file.width,
        height=file.height,
        body=person.seal(body, f"return_photos/body/{photo_id}"),
    )
    return kept + 1


def _chosen(files: Sequence[Rendition]) -> Rendition:
    fitting = [file for file in files if file.format == FORMAT]
    return max((f for f in fitting if f.width <= WIDEST), key=lambda f: f.width, default=fitting[-1])


_PHOTO = """
SELECT p.id, p.body, p.person_id, per.key_id, per.wrapped_key, o.id AS order_id, o.user_id
FROM return_photos p JOIN returns r ON r.id = p.return_id JOIN orders o ON o.id = r.order_id
JOIN persons per ON per.id = p.person_id WHERE {which} AND p.position = :position
"""


def of_order(number: str, place: int, position: int, viewer: Viewer) -> bytes:
    """A picture of a return as WebP, for whoever may see the order. Raises NotFound."""
    which = "o.number = :number AND r.number = :place"
    return _open(db.row(_PHOTO.format(which=which), number=number, place=place, position=position), viewer)


def of_return(return_id: UUID, position: int) -> bytes:
    """The same for staff. Raises NotFound."""
    return _open(db.row(_PHOTO.format(which="r.id = :id"), id=return_id, position=position), Viewer(staff=True))


def _open(row: Any, viewer: Viewer) -> bytes:
    if row is None or not viewer.may_see(row.order_id, row.user_id):
        raise NotFound("picture")
    person = person_key(row.person_id, row.key_id, row.wrapped_key)
    return base64.b64decode(person.unseal(row.body, f"return_photos/body/{row.id}"))
