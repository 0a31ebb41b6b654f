"""What the audit log says about a request of staff: one entry for each change, and refusals. The rows are core."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, g, request

from quickshop.kernel.errors import Forbidden
from quickshop.security import audit

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_FIELDS = 50
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}").fullmatch
_LONGEST_NAME = 60
# Fields that hold whatever somebody typed.
_PROSE = frozenset({"name", "label", "note", "reason", "description", "title"})


def audited(
    *, action: str | None = None, target: str | None = None, before: Any = None, after: Any = None, **data: Any
) -> None:
    """Say more about the change that the view in hand makes than its address and the names of the body's fields.

    `target` names a thing as `kind:id`, `before` and `after` hold what changed of it: ids, words and numbers, never
    what is personal. What staff wrote in words of their own is left out of them, for nothing here can be erased. Call
    it inside the view; outside of a staff view it does nothing.
    """
    said = g.setdefault("audited", {})
    shown = {"before": _without_prose(before), "after": _without_prose(after)}
    given = {"action": action, "target": target, **shown, **data}
    said.update({name: value for name, value in given.items() if value is not None})


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "written" if key in _PROSE and inner else _without_prose(inner) for key, inner in value.items()}
    return [_without_prose(inner) for inner in value] if isinstance(value, list) else value


def by_staff() -> bool:
    """Whether the request in hand changes something by a right of staff."""
    return request.method not in _SAFE and str(g.get("access", "")).startswith("staff:")


def forget_said() -> None:
    """The view runs (again): what `audited` was told before does not count."""
    g.pop("audited", None)


def record_change(answer: Any) -> None:
    """Note the change of a staff view in the unit of work in hand; nothing for an answer that changed nothing."""
    if not by_staff() or _status(answer) >= 400 or _replayed(answer):
        return
    said = dict(g.pop("audited", {}))
    action = said.pop("action", None) or str(request.endpoint)
    target = said.pop("target", None) or _target()
    audit.record(action, target=target, data={"fields": _fields(), **said}, chain="staff")


@contextmanager
def refusing() -> Iterator[None]:
    """Note a refusal for want of a permission or of a second factor, and pass it on."""
    try:
        yield
    except Forbidden as error:
        audit.denied(str(request.endpoint), target=_target(), reason=error.code)
        raise


def _target() -> str | None:
    """The thing that the address names: `product_id` of the rule is written `product:VALUE`."""
    named = [f"{name.removesuffix('_id')}:{_id(str(value))}" for name, value in (request.view_args or {}).items()]
    return " ".join(named) or None


def _id(value: str) -> str:
    """An id or a code as it stands; what looks like anything else is not written down."""
    return value if _ID(value) else "-"


def _fields() -> list[str]:
    """Names of what the body sets; values may be personal."""
    body = g.get("json_body")
    names = body if isinstance(body, dict) else request.form
    return sorted(name[:_LONGEST_NAME] for name in list(names)[:_MOST_FIELDS] if name != "csrf_token")


def _status(answer: Any) -> int:
    if isinstance(answer, Response):
        return answer.status_code
    return answer[1] if isinstance(answer, tuple) and len(answer) > 1 and isinstance(answer[1], int) else 200


def _replayed(answer: Any) -> bool:
    return isinstance(answer, Response) and "Idempotent-Replayed" in answer.headers
