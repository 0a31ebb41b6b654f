"""The workers' entry: `celery -A tasks.worker worker -Q orders.vip,... -n worker-a@%h`.

Each child process makes its own application after the fork, so that no connection is ever shared.
"""

from __future__ import annotations

import gc
import logging
import os
from typing import Any

from celery.signals import setup_logging, worker_process_init

from quickshop.config import load_settings
from quickshop.factory import create_app
from quickshop.kernel import logs
from tasks.app import ShopTask, use_broker

_settings = load_settings(os.environ)
celery = use_broker(_settings.redis_url)


@setup_logging.connect
def set_up_logging(loglevel: int = logging.WARNING, **_: Any) -> None:
    """Take the place of Celery's own set-up of logging."""
    logs.install(loglevel)


@worker_process_init.connect
def compose(**_: Any) -> None:
    """Make this process's application."""
    ShopTask.shop = create_app(role="worker", settings=_settings)
    # As in gunicorn.conf.py: what was imported stays; most of what a task makes is freed without looking for cycles.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 25, 50)
