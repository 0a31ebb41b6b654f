"""Permissions, not roles, open doors: each one is asked for somewhere, and no code asks who has which role."""

import ast
import re

import pytest

from quickshop.accounts.permissions import Permission
from tests.factories.gateways import ROOT

ROOMS = ("quickshop", "blueprints", "realtime", "tasks")
SOURCES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
EDGES = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in ("blueprints", "realtime")]
# What stands in the list for areas that are still to come. Take a line away with the first route that asks for it.
YET_TO_COME: set[str] = set()

BUILT_IN = {"admin", "support"}
# They name roles in order to keep, or to hand out, the built-in ones; neither lets anybody in.
MAY_NAME_ROLES = {"quickshop/accounts/roles.py", "quickshop/demo/people.py"}


def asked_for():
    """The permissions that the edges name, outside of what only draws the navigation."""
    return {
        node.attr
        for path in EDGES
        if path.name != "sections.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Permission"
    }


def test_every_permission_is_asked_for_by_a_route_or_topic():
    assert {p.name for p in Permission} - asked_for() == YET_TO_COME


def test_a_permission_is_written_as_resource_and_action():
    assert [p for p in Permission if not re.fullmatch(r"[a-z]+(-[a-z]+)*:[a-z]+", p)] == []


def names_of_roles(path):
    """Lines where a file compares something with a role's name, or looks for one: in Python or in SQL."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            inside = [c.value for part in parts for c in ast.walk(part) if isinstance(c, ast.Constant)]
            if BUILT_IN & {value for value in inside if isinstance(value, str)}:
                yield node.lineno
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if re.search(r"\brole(s|\.name)?\s*(=|<>|IN|= ANY)\s*\(?'", text):
            yield node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nothing_asks_for_a_role_by_name(path):
    if path.relative_to(ROOT).as_posix() not in MAY_NAME_ROLES:
        assert list(names_of_roles(path)) == []


@pytest.mark.parametrize(
    "guilty", ['x = role == "admin"', 'x = "support" in roles', "q = \"SELECT 1 FROM user_roles WHERE role = 'admin'\""]
)
def test_the_search_for_roles_by_name_finds_them(tmp_path, guilty):
    path = tmp_path / "guilty.py"
    path.write_text(guilty)
    assert list(names_of_roles(path)) == [1]


def test_templates_ask_for_permissions_only():
    for path in (ROOT / "blueprints").rglob("*.html"):
        asked = re.findall(r"may\('([^']+)'\)", path.read_text("utf-8"))
        assert set(asked) <= set(Permission), path
        assert not re.search(r"(==|!=| in )\s*'(admin|support)'", path.read_text("utf-8")), path
