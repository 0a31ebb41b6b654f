"""The queues and tasks there are, each name spelt once. Who serves a queue is said where workers are started."""

from __future__ import annotations

from enum import StrEnum


class QueueNames(StrEnum):
    """Celery queues; an order's queue is its class, decided at submission."""

    ORDERS_VIP = "orders.vip"
    ORDERS_HIGH = "orders.high"
    ORDERS_STANDARD = "orders.standard"
    NOTIFY = "notify"
    SYSTEM = "system"


class TaskNames(StrEnum):
    """Tasks, as `noun.verb`. Arguments are ids only: a message is a hint and carries no state."""

    PROCESS_ORDER = "orders.process"
    EXPIRE_HOLDS = "orders.expire_holds"
    DRAIN_NOTIFICATIONS = "notifications.drain"
    DELIVER_NOTIFICATIONS = "notifications.deliver"
    REFRESH_CATALOG = "catalog.refresh"
    TIDY_CATALOG = "catalog.tidy"
    TELL_WISHLISTS = "wishlists.tell"
    PRUNE_PICTURES = "catalog.prune_pictures"
    WATCH_STOCK = "inventory.watch"
    MEASURE_PACKING = "shipping.measure"
    DRAIN_WEBHOOKS = "webhooks.drain"
    SEND_PARCELS = "shipping.send"
    TRACK_PARCELS = "shipping.track"
    ESTIMATE_DELIVERIES = "shipping.estimate"
    ISSUE_INVOICES = "invoices.issue"
    PRINT_INVOICES = "invoices.print"
    PROCESS_IMPORT = "imports.process"
    RECONCILE = "payments.reconcile"
    PRUNE = "maintenance.prune"
    REMIND_CARTS = "notifications.remind_carts"
    CANARY = "canary"


ORDER_QUEUES = (QueueNames.ORDERS_VIP, QueueNames.ORDERS_HIGH, QueueNames.ORDERS_STANDARD)
