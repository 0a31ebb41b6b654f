"""Tasks of the catalogue: what the clock changes, and its upkeep."""

from __future__ import annotations

from quickshop.catalog import pictures, refreshing
from quickshop.kernel.unit_of_work import run_unit
from tasks.app import celery_app
from tasks.queues import TaskNames


@celery_app.task(name=TaskNames.REFRESH_CATALOG)
def refresh() -> None:
    """Index all products whose sale or show begins or ends, a batch in a transaction."""
    while run_unit(refreshing.refresh) == refreshing.BATCH:
        pass


@celery_app.task(name=TaskNames.TIDY_CATALOG)
def tidy() -> None:
    """Sum up the categories' counts, count what was sold, forget words that nothing has any more."""
    run_unit(refreshing.tally)
    run_unit(refreshing.count_sales)
    run_unit(refreshing.forget_words)


@celery_app.task(name=TaskNames.PRUNE_PICTURES)
def prune_pictures() -> None:
    """Delete the files of pictures that are gone."""
    run_unit(pictures.prune_media)
