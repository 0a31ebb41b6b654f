"""How gunicorn serves the doubles: one gevent worker, because one process must own the ledger.

Nothing is patched here: this worker class patches the standard library as the first thing in the worker,
before it loads the program, and of ours only the form of the log is loaded earlier (no preloading).
"""

from __future__ import annotations

import os

bind = f"{os.environ.get('GATEWAY_HOST') or '127.0.0.1'}:{os.environ.get('GATEWAY_PORT') or 8010}"
wsgi_app = "quickshop.runtime.doubles.app:app"
workers = 1
# gevent's own HTTP server: a third more calls a second than gunicorn's parser on the same core.
worker_class = "gevent_pywsgi"
worker_connections = 4000
preload_app = False
reuse_port = False
keepalive = 75
timeout = 30
# Calls that are never answered would hold the stop for as long as it lets them.
graceful_timeout = 1
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"
logger_class = "quickshop.runtime.server_log.ServerLog"
proc_name = "quickshop-gateway"
