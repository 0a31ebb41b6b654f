"""gunicorn.conf.py: patched before anything else, cooperative psycopg2 or no worker."""

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "gunicorn.conf.py"


def test_the_first_statements_patch_the_standard_library():
    body = ast.parse(CONFIGURATION.read_text()).body
    assert ast.unparse(body[0]) == "from gevent import monkey"
    assert ast.unparse(body[1]) == "monkey.patch_all()"


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_nothing_of_the_application_is_imported_before_all_is_patched():
    done = run(
        "import runpy, sys; c = runpy.run_path('gunicorn.conf.py'); c['post_fork'](None, None);"
        "print({name.split('.')[0] for name in sys.modules} & {'quickshop', 'blueprints', 'realtime', 'tasks', 'wsgi'})"
    )
    assert done.stdout.strip() == "set()", done.stderr


def test_a_worker_has_the_wait_callback_and_the_settings_hold():
    done = run(
        "import runpy, psycopg2.extensions as e; c = runpy.run_path('gunicorn.conf.py'); c['post_fork'](None, None);"
        "assert e.get_wait_callback();"
        "print(c['reuse_port'], c['preload_app'], c['control_socket_disable'], c['timeout'])"
    )
    assert done.stdout.split() == ["True", "False", "True", "60"], done.stderr


def test_a_worker_without_the_callback_does_not_start():
    done = run(
        "import runpy, psycogreen.gevent as g; g.patch_psycopg = lambda: None;"
        "c = runpy.run_path('gunicorn.conf.py'); c['post_fork'](None, None); print('started')"
    )
    assert done.returncode != 0
    assert "started" not in done.stdout
    assert "wait callback is not in place" in done.stderr
