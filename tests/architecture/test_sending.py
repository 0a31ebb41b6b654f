"""One place emits live events, one place sends tasks, and every queue has somebody who consumes it."""

import ast
import re
from pathlib import Path

import pytest

from quickshop.runtime import processes
from tasks.app import celery_app
from tasks.queues import QueueNames, TaskNames
from tests.factories.gateways import ROOT

ROOMS = ("quickshop", "blueprints", "realtime", "tasks")
EMITTING = {"emit", "publish"}
SENDING = {"send_task", "apply_async", "delay", "lpush", "rpush", "signature", "si"}


def calls(names):
    """Every call of a method with one of these names in the shop's own code: (file, method)."""
    found = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
                    found.add((str(path.relative_to(ROOT)), node.func.attr, ast.unparse(node.func)))
    return found


def test_live_events_are_emitted_in_the_publisher_only():
    emitted = {(path, name) for path, name, whole in calls(EMITTING) if whole != "publisher.publish"}
    assert emitted == {("realtime/publisher.py", "emit"), ("realtime/publisher.py", "publish")}


def test_frames_are_put_on_the_bus_by_the_relay_only():
    assert {path for path, _, whole in calls({"publish"}) if whole == "publisher.publish"} == {"tasks/relay.py"}


def test_tasks_are_sent_by_the_relay_only():
    assert {path for path, _, _ in calls(SENDING)} == {"tasks/relay.py"}


def test_no_pickle_anywhere_near_the_broker_or_the_bus():
    for path in [*(ROOT / "tasks").rglob("*.py"), *(ROOT / "realtime").rglob("*.py")]:
        assert not re.search(r"\b(pickle|marshal|yaml\.load|eval\()", path.read_text()), path
    assert celery_app.conf.accept_content == ["json"]
    assert celery_app.conf.task_serializer == "json"


# --- queues --------------------------------------------------------------------------------------------


def consumers_in_compose():
    """Every queue that a worker in compose.yml is told to consume."""
    lists = re.findall(r"- -Q\n\s+- (\S+)", (ROOT / "compose.yml").read_text())
    return {queue for queues in lists for queue in queues.split(",")}


def test_every_queue_is_consumed_in_make_run_and_in_compose():
    assert processes.queues() == set(QueueNames)
    assert consumers_in_compose() == set(QueueNames)


def groups():
    """Queues by worker, in the order in which the worker empties them."""
    return {program.name: program.queues for program in processes.PROGRAMS if program.queues}


def test_group_a_serves_the_urgent_first_and_group_b_the_standard_first():
    assert groups() == {
        "worker-a": ("orders.vip", "orders.high", "orders.standard"),
        "worker-b": ("orders.standard", "orders.high", "orders.vip"),
        "worker-n": ("notify", "system"),
    }


def test_group_b_keeps_a_quarter_of_the_order_slots():
    a, b = int(processes.DEFAULTS["WORKER_A_SLOTS"]), int(processes.DEFAULTS["WORKER_B_SLOTS"])
    assert b * 4 >= a + b


def hints():
    """Every hint that the core writes: (name, queue as it stands in the code)."""
    found = []
    for path in (ROOT / "quickshop").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("TaskHint") and node.args:
                found.append((path.name, node.args[0], node.args[1]))
    return [(name, task, queue) for name, task, queue in found if isinstance(task, ast.Constant)]


def test_every_hint_of_the_core_names_a_task_and_a_queue_of_ours():
    assert hints()
    for path, task, queue in hints():
        assert task.value in set(TaskNames), path
        if isinstance(queue, ast.Constant):
            assert queue.value in set(QueueNames), path


@pytest.mark.parametrize("name", TaskNames)
def test_every_named_task_exists(name):
    celery_app.loader.import_default_modules()
    assert name in celery_app.tasks


def test_there_is_no_task_without_a_name_in_the_list():
    celery_app.loader.import_default_modules()
    assert {name for name in celery_app.tasks if not name.startswith("celery.")} == set(TaskNames)


def test_a_message_comes_back_only_after_its_task_is_over_for_certain():
    conf = celery_app.conf
    assert conf.task_soft_time_limit < conf.task_time_limit < conf.broker_transport_options["visibility_timeout"]
    assert conf.task_acks_late
    assert conf.worker_prefetch_multiplier == 1
    assert conf.result_backend is None


def test_periodic_jobs_of_the_migrations_are_tasks():
    text = "".join(p.read_text() for p in Path(ROOT / "migrations" / "versions").glob("*.py"))
    jobs = re.search(r"JOBS = \[(.*?)\]", text, re.S)[1]
    assert set(re.findall(r'\("([\w.]+)", "[\w.*]+", \d+\)', jobs)) <= set(TaskNames)
