"""gunicorn's own log in the shop's form; the programs that it serves get the same one."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.glogging import Logger

from quickshop.kernel import logs


class ServerLog(Logger):
    """Errors as lines of JSON, accesses as the configuration writes them; both without what must not be told."""

    def setup(self, cfg: Any) -> None:
        """Put the shop's formatters on gunicorn's handlers, and a handler in the same form on everything else."""
        super().setup(cfg)
        logs.install(logging.WARNING)
        for log, form in ((self.error_log, logs.JsonLines()), (self.access_log, logs.AccessLines())):
            for handler in log.handlers:
                handler.setFormatter(form)
