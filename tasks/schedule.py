"""Periodic jobs as hints. When a job is due stands in Postgres (`periodic_jobs`); there is no beat process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from quickshop.kernel.outbox import TaskHint
from quickshop.monitoring.sweeping import DueJob
from tasks.queues import QueueNames, TaskNames

EVERY_QUEUE = "*"
_TASKS = frozenset(TaskNames)
_QUEUES = frozenset(QueueNames)


@dataclass(frozen=True)
class Timed:
    """A hint that is worthless after some seconds, when the next one is there."""

    hint: TaskHint
    expires_in: float


def hints_of(jobs: Iterable[DueJob]) -> list[Timed]:
    """The hints of due jobs: the job's name is the task's; queue `*` is one hint per queue, with its name."""
    found = []
    for job in jobs:
        if job.name not in _TASKS:
            continue  # a newer version of the shop put it there; its own relay will send it
        if job.queue == EVERY_QUEUE:
            hints = [TaskHint(job.name, queue, (str(queue),)) for queue in QueueNames]
        else:
            hints = [TaskHint(job.name, job.queue)] if job.queue in _QUEUES else []
        found += [Timed(hint, float(job.every_seconds)) for hint in hints]
    return found
