"""The background edge: Celery app, tasks, relay."""
