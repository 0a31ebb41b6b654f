"""Statements that a process meets again and again, in the form PREPARE wants: numbered parameters.

The wide statements of an order cost PostgreSQL several times more to plan than to run (docs/decisions/0004).
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from functools import lru_cache
from typing import Any

_PARAMETER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)(?!:)")
# A statement that opens with this is never prepared: its best plan depends on what is asked for, or it has many forms.
PLANNED_ANEW = "/* planned anew */"
# A statement that opens with this is planned once, without its values, even where PostgreSQL guesses that planning it
# each time would pay: its guesses about how many rows come of which values are worth less than what planning costs.
PLANNED_ONCE = "/* planned once */"
_SEEN_BEFORE_PREPARING = 2
_MOST_PREPARED = 300


class Prepared:
    """One prepared statement: how to prepare it, how to execute it, and its parameters' names in order."""

    def __init__(self, sql: str, number: int) -> None:
        self.names: list[str] = []
        body = _PARAMETER.sub(self._number, sql)
        self.prepare = f"PREPARE q{number} AS {body}"
        marks = ", ".join(["%s"] * len(self.names))
        # Sent together they are one transaction, and so it ends with the statement; in a unit of work, with that.
        mode = "SET LOCAL plan_cache_mode = force_generic_plan;" if sql.startswith(PLANNED_ONCE) else ""
        self.execute = f"{mode}EXECUTE q{number} ({marks})" if marks else f"{mode}EXECUTE q{number}"

    def _number(self, match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}"

    def values(self, params: dict[str, Any]) -> tuple[Any, ...]:
        """The parameters in their order."""
        return tuple([params[name] for name in self.names])


_prepared: dict[str, Prepared] = {}
_seen: Counter[str] = Counter()
_numbers = itertools.count()  # never the same twice, whichever threads prepare at once


def find(sql: str) -> Prepared | None:
    """The prepared form of a statement that comes again and again, else None."""
    if sql.startswith(PLANNED_ANEW):
        return None
    found = _prepared.get(sql)
    if found is None and len(_prepared) < _MOST_PREPARED:
        _seen[sql] += 1
        if _seen[sql] > _SEEN_BEFORE_PREPARING:
            del _seen[sql]
            found = _prepared[sql] = Prepared(sql, next(_numbers))
        if len(_seen) > 10 * _MOST_PREPARED:
            _seen.clear()
    return found


@lru_cache(maxsize=1024)
def driver_form(sql: str) -> str:
    """The statement with the driver's named marks, for one that is run as it stands."""
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))
