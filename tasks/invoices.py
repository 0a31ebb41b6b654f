"""Tasks of invoices."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from quickshop.invoices import issuing, printing
from quickshop.invoices.drawing import Paper, draw
from quickshop.kernel.priority import give_way
from tasks.app import celery_app
from tasks.queues import TaskNames


@lru_cache(maxsize=1)
def _drawers() -> ThreadPoolExecutor:
    """One thread per process that gives way to everything else; made at first use, never before a fork."""
    return ThreadPoolExecutor(1, "drawing", give_way)


def _drawn(paper: Paper) -> bytes:
    return _drawers().submit(draw, paper).result()


@celery_app.task(name=TaskNames.ISSUE_INVOICES)
def issue() -> None:
    """Issue the invoices and credit notes that orders lack, then print what is due."""
    if issuing.drain():
        printing.print_due(_drawn)


@celery_app.task(name=TaskNames.PRINT_INVOICES)
def print_due() -> None:
    """Print what was issued and is not on paper yet."""
    printing.print_due(_drawn)
