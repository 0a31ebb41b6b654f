"""One request, one commit: the decorators that say how a view's writes are committed.

Both leave the audit log's entry where the view is one of staff.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from blueprints.http import audits
from quickshop.kernel.unit_of_work import run_unit

View = TypeVar("View", bound=Callable[..., Any])


def commits(view: View) -> View:
    """Run the view's body as one unit of work: committed at its end, run again when a race was lost.

    The body must have no effect outside the database. Put it innermost, below the arguments.
    """

    @wraps(view)
    def committed(*args: Any, **kwargs: Any) -> Any:
        def work() -> Any:
            audits.forget_said()
            answer = view(*args, **kwargs)
            audits.record_change(answer)
            return answer

        return run_unit(work)

    committed.commits = True  # type: ignore[attr-defined]
    return committed  # type: ignore[return-value]


def commits_itself(view: View) -> View:
    """Mark a view whose core verb runs its own units (it hashes or calls out between them).

    Of a view of staff the entry in the audit log then follows in a unit of its own.
    """

    @wraps(view)
    def committed(*args: Any, **kwargs: Any) -> Any:
        answer = view(*args, **kwargs)
        if audits.by_staff():
            run_unit(lambda: audits.record_change(answer))
        return answer

    committed.commits = True  # type: ignore[attr-defined]
    return committed  # type: ignore[return-value]
