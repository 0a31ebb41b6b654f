# How gunicorn serves the shop. The standard library is patched before anything else is imported, so this file
# opens with the patch and holds its explanation in comments; it imports nothing of the application.
from gevent import monkey

monkey.patch_all()

import gc  # noqa: E402
import os  # noqa: E402
import shutil  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import psycopg2.extensions  # noqa: E402
from psycogreen.gevent import patch_psycopg  # noqa: E402

_port = os.environ.get("PORT") or "8000"
bind = f"{os.environ.get('WEB_HOST') or '127.0.0.1'}:{_port}"
workers = int(os.environ.get("WEB_WORKERS") or 2)
worker_class = "gevent"
worker_connections = 2000

# Each worker imports the application after the fork: engines and sockets belong to one process.
preload_app = False
# Each worker has its own accept queue; on a shared one a single worker takes nearly all kept connections.
reuse_port = True
control_socket_disable = True

timeout = 60
graceful_timeout = int(os.environ.get("WEB_GRACEFUL_SECONDS") or 30)
keepalive = 75
max_requests = 0
backlog = 2048
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS") or "127.0.0.1"
# A worker's heartbeat is a file: in memory it does not wait for a busy disk, nor fail on a full one.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
# The workers count requests together, in files that they map into memory; also better not on a disk.
_shared_counts = Path(worker_tmp_dir or "/tmp") / f"quickshop-{os.getuid()}-{_port}"  # noqa: S108

proc_name = "quickshop-web"
# Named, not imported: gunicorn loads it when all is patched.
logger_class = "quickshop.runtime.server_log.ServerLog"
errorlog = "-"
loglevel = os.environ.get("WEB_LOG_LEVEL") or "warning"
accesslog = "-" if os.environ.get("WEB_ACCESS_LOG") == "1" else None
access_log_format = (
    '{"at":"%(t)s","status":%(s)s,"method":"%(m)s","path":"%(U)s","us":%(D)s,"bytes":"%(B)s",'
    '"request_id":"%({x-request-id}o)s"}'
)


def on_starting(server):
    """Give the workers a fresh folder for what they count, unless one was named."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        shutil.rmtree(_shared_counts, ignore_errors=True)
        _shared_counts.mkdir(mode=0o700)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_shared_counts)


def on_exit(server):
    """Remove that folder."""
    shutil.rmtree(_shared_counts, ignore_errors=True)


def post_fork(server, worker):
    """Let psycopg2 wait cooperatively: without the callback one query stops every request of the process.

    A worker in which that did not work does not start; gunicorn then ends with an error.
    """
    patch_psycopg()
    if not monkey.is_module_patched("socket") or psycopg2.extensions.get_wait_callback() is None:
        sys.exit("gevent or psycopg2's wait callback is not in place; the worker does not start.")


def post_worker_init(worker):
    """Answer in one write, and leave what was imported, which stays for good, out of garbage collection.

    It also collects less often: counting references frees nearly everything a request makes, and looking for cycles
    took 4 % of the CPU (perf).
    """
    from quickshop.runtime import one_write  # not above: it is imported when all is patched

    one_write.install()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 25, 50)
