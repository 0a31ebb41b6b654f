"""One request, one commit: the decorators that say how a view's writes are committed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from quickshop.kernel.unit_of_work import run_unit

View = TypeVar("View", bound=Callable[..., Any])


def commits(view: View) -> View:
    """Run the view's body as one unit of work: committed at its end, run again when a race was lost.

    The body must have no effect outside the database. Put it innermost, below the arguments.
    """

    @wraps(view)
    def committed(*args: Any, **kwargs: Any) -> Any:
        return run_unit(lambda: view(*args, **kwargs))

    committed.commits = True  # type: ignore[attr-defined]
    return committed  # type: ignore[return-value]


def commits_itself(view: View) -> View:
    """Mark a view whose core verb runs its own units (it hashes or calls out between them)."""
    view.commits = True  # type: ignore[attr-defined]
    return view
