"""The command `rotate-keys`: brings all that stands under older master keys under the current one, shop running."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from uuid import UUID

import click

from quickshop.accounts import asking, rewrapping
from quickshop.kernel import idempotency
from quickshop.kernel.crypto import SealBroken
from quickshop.kernel.master_keys import keyring
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.payments import forgetting
from quickshop.runtime.commanding import at_work, progress
from quickshop.webhooks import service as webhooks

BATCH = 200
_ROUNDS = 20
_BETWEEN_ROUNDS = 0.5

Told = Callable[[int], None]


@click.command("rotate-keys")
def rotate_keys() -> None:
    """Wrap every key anew under the first of MASTER_KEYS; may be stopped and run again at any time."""
    try:
        with at_work("command", "The database went away") as settings:
            rotate()
            left = in_use()
    except SealBroken as error:
        raise click.ClickException(f"{error}; put the missing key back into MASTER_KEYS and run this again.") from error
    _tell([key_id for key_id, _ in settings.master_keys], left)


def rotate(shown: bool = True) -> None:
    """Everything, in small units, until nothing is left under older keys. Raises SealBroken."""
    with progress(shown=shown) as bar:
        for name, counted, work in (
            ("people", rewrapping.in_use, _people),
            ("stored answers", idempotency.in_use, _answers),
            ("webhook secrets", webhooks.in_use, _secrets),
            ("cards to be forgotten", forgetting.in_use, _cards),
            ("requests to be answered", asking.in_use, _wait),
        ):
            task = bar.add_task(name, total=_old(counted))
            for turn in range(_ROUNDS):
                if turn:
                    time.sleep(_BETWEEN_ROUNDS)
                work(lambda number, task=task: bar.advance(task, number))  # type: ignore[misc]
                if not _old(counted):
                    break


def in_use() -> Counter[str]:
    """How much stands under each master key."""
    with reading():
        parts = (rewrapping.in_use, idempotency.in_use, webhooks.in_use, forgetting.in_use, asking.in_use)
        return sum((Counter(part()) for part in parts), Counter())


def _old(counted: Callable[[], dict[str, int]]) -> int:
    with reading():
        found = counted()
    return sum(number for key_id, number in found.items() if key_id != keyring().current)


def _people(told: Told) -> None:
    after: UUID | None = None
    while (after := run_unit(lambda last=after: rewrapping.rewrap(last, BATCH))) is not None:  # type: ignore[misc]
        told(BATCH)


def _answers(told: Told) -> None:
    while number := run_unit(lambda: idempotency.reseal(BATCH)):
        told(number)


def _secrets(told: Told) -> None:
    told(run_unit(webhooks.reseal))


def _cards(told: Told) -> None:
    told(run_unit(forgetting.reseal))


def _wait(_told: Told) -> None:
    """Nothing to do: what waits is answered by the workers within moments."""


def _tell(key_ids: list[str], left: Counter[str]) -> None:
    current, *older = key_ids
    click.echo(f"{left[current]} keys, answers and secrets stand under {current!r}.")
    unused = [key_id for key_id in older if not left[key_id]]
    for key_id in sorted(set(left) - {current}):
        click.echo(f"{left[key_id]} still stand under {key_id!r}: run this again.")
    if unused:
        names = ", ".join(repr(key_id) for key_id in unused)
        click.echo(f"No longer used: {names}. Drop from MASTER_KEYS; keep with the backups made until now.")
    if set(left) - {current}:
        raise SystemExit(1)
