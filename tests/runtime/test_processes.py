"""The process list, compose.yml and the queues say the same."""

from pathlib import Path

import pytest
import yaml

from quickshop.config import load_settings
from quickshop.factory import engine_options
from quickshop.runtime.processes import DEFAULTS, PROGRAMS, connections_needed, queues
from tasks.queues import ORDER_QUEUES, QueueNames

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yml").read_text())
SERVICES = COMPOSE["services"]
BY_NAME = {program.name: program for program in PROGRAMS}


def test_every_queue_has_a_consumer_in_make_run():
    assert queues() == set(QueueNames)


def test_every_queue_has_a_consumer_in_compose():
    consumed = set()
    for service in SERVICES.values():
        words = service.get("command") or []
        if "celery" in words:
            consumed |= set(words[words.index("-Q") + 1].split(","))
    assert consumed == set(QueueNames)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_compose_runs_the_same_command(program):
    in_compose = {name: f"${{{name}:-{value}}}" for name, value in DEFAULTS.items()}
    assert SERVICES[program.name]["command"] == program.command("python", in_compose)


def test_group_a_empties_the_best_class_first_and_group_b_serves_standard_first():
    assert BY_NAME["worker-a"].queues == ORDER_QUEUES
    assert BY_NAME["worker-b"].queues == tuple(reversed(ORDER_QUEUES))


def test_group_b_keeps_at_least_a_quarter_of_the_order_slots():
    a, b = int(DEFAULTS["WORKER_A_SLOTS"]), int(DEFAULTS["WORKER_B_SLOTS"])
    assert b / (a + b) >= 0.25


def test_the_connections_of_all_processes_are_the_sum_of_their_pools():
    settings = load_settings({"QUICKSHOP_ENV": "testing", "DATABASE_URL": "postgresql:///x", "REDIS_URL": "redis://x"})
    web, worker = (engine_options(settings, role) for role in ("web", "worker"))
    pools = {options["pool_size"] + options["max_overflow"] for options in (worker, engine_options(settings, "relay"))}
    assert pools == {3}
    slots = sum(int(value) for name, value in DEFAULTS.items() if name.endswith("_SLOTS"))
    web_pool = web["pool_size"] + web["max_overflow"]
    assert connections_needed({}, settings.pool_size) == 2 * web_pool + slots * 3 + 8


def test_compose_has_the_servers_a_proxy_and_a_mailbox_and_every_long_running_service_is_checked():
    assert {"postgres", "redis", "proxy", "mailpit", "migrate"} <= set(SERVICES)
    for name in ("postgres", "redis", "web", "gateway", "proxy"):
        assert SERVICES[name]["healthcheck"]["test"]


def test_compose_keeps_data_in_named_volumes():
    named = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert named == set(COMPOSE["volumes"])


def test_compose_publishes_on_this_machine_only():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_workers_get_more_time_to_stop_than_a_task_may_take():
    for name in ("worker-a", "worker-b", "worker-n"):
        assert SERVICES[name]["stop_grace_period"] == "75s"
        assert SERVICES[name]["environment"]["REMAP_SIGTERM"] == "SIGQUIT"


def test_the_whole_stop_fits_into_fifteen_seconds():
    assert max(program.grace for program in PROGRAMS) <= 12
