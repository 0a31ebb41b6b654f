"""The Celery application and all of its settings. What the tasks do is in the module of their domain."""

from __future__ import annotations

from typing import Any

from celery import Celery, Task
from flask import Flask
from kombu import Queue

from tasks.queues import QueueNames

# A message whose worker died comes back after `visibility_timeout`; nothing waits for that, since the sweeper
# re-hints orders from Postgres. It must exceed the hard time limit, or a running task would be handed out twice.
_BROKER = {
    "queue_order_strategy": "priority",  # a worker empties its -Q list strictly in the order given
    "priority_steps": [0],  # priorities are queues; one Redis list per queue
    "visibility_timeout": 180,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
}

_SETTINGS = {
    "broker_transport": "tasks.transport:Transport",
    "broker_transport_options": _BROKER,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "task_queues": [Queue(name) for name in QueueNames],
    "task_default_queue": str(QueueNames.SYSTEM),
    "task_create_missing_queues": False,
    "task_serializer": "json",
    "accept_content": ["json"],
    "result_backend": None,
    "task_ignore_result": True,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_soft_time_limit": 45,
    "task_time_limit": 60,
    "task_send_sent_event": False,
    "worker_prefetch_multiplier": 1,
    "worker_max_tasks_per_child": 1000,
    # Killing a task in the middle of a payment would make outcomes unknown; the lease fences it anyway.
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    # Tasks under way get this long; an idle worker stops at once. What is cut off is found again by its lease.
    "worker_soft_shutdown_timeout": 8,
    "worker_enable_soft_shutdown_on_idle": False,
    # Nobody listens to any of these, and each costs CPU per task.
    "worker_send_task_events": False,
    "worker_enable_remote_control": False,
    "worker_disable_rate_limits": True,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "timezone": "UTC",
    "enable_utc": True,
    "imports": (
        "tasks.orders",
        "tasks.payments",
        "tasks.notifications",
        "tasks.catalog",
        "tasks.inventory",
        "tasks.invoices",
        "tasks.shipping",
        "tasks.imports",
        "tasks.system",
        "tasks.webhooks",
        "tasks.wishlists",
    ),
}


class ShopTask(Task):
    """A task that runs inside the shop's application context, which `tasks.worker` makes once per process."""

    shop: Flask | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if ShopTask.shop is None:
            raise RuntimeError("the worker process has no application; start workers with -A tasks.worker")
        with ShopTask.shop.app_context():
            return self.run(*args, **kwargs)


def _make() -> Celery:
    made = Celery("quickshop", task_cls=ShopTask)
    made.conf.update(_SETTINGS)
    return made


celery_app = _make()


def use_broker(url: str) -> Celery:
    """Name the broker; done by whoever composes a process."""
    celery_app.conf.broker_url = url
    return celery_app
