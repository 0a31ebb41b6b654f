"""The access matrix: every operation of the OpenAPI document by every kind of caller, as access_expectations.py says.

A refused call must have changed nothing, and one that was let in nothing of the owner's unless it was the owner's own
or the staff's work.
"""

import pytest

from quickshop.shop import queries as shop_settings
from tests.api.access_expectations import EXPECTATIONS, OK
from tests.factories.callers import KINDS, a_world, everything, of_the_owner

METHODS = {"get", "post", "put", "patch", "delete"}
SAFE = {"GET"}


def operations(client):
    """Every operation of the document: {"GET /path": the operation}."""
    document = client.get("/api/openapi.json").json
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_every_operation_has_its_expectation_and_every_expectation_its_operation(edge_app):
    assert set(EXPECTATIONS) == set(operations(edge_app.test_client()))


@pytest.mark.parametrize("operation", EXPECTATIONS)
def test_an_expectation_says_something_of_every_kind_of_caller(operation):
    assert set(EXPECTATIONS[operation].outcomes) == set(KINDS)


def test_what_is_expected_of_staff_and_keys_is_what_the_views_declare(edge_app):
    for name, operation in operations(edge_app.test_client()).items():
        kind, _, permission = operation["x-access"].partition(":")
        outcomes, scopes = EXPECTATIONS[name].outcomes, EXPECTATIONS[name].scopes
        if kind == "staff":
            assert permission in scopes, name
            assert {outcomes[k] for k in ("other", "owner", "unproven", "bare_key")} == {403}, name
        if kind == "member":
            assert {outcomes[k] for k in ("anonymous", "key", "bare_key")} == {401}, name


def call(app, world, operation, kind):
    """Call an operation as somebody; the status."""
    expectation = EXPECTATIONS[operation]
    method, path = operation.split(" ")
    places = world.places | (expectation.places(world) if expectation.places else {})
    for name, value in places.items():
        path = path.replace(f"{{{name}}}", str(value))
    assert "{" not in path, f"nothing in the world is called as the path of {operation} asks"
    more = expectation.headers(world) if expectation.headers else {}
    body = expectation.body(world) if expectation.body else None
    client = app.test_client()
    answer = client.open(
        path, method=method, query_string=expectation.query, headers=more | world.headers[kind], json=body
    )
    return answer.status_code


class Stage:
    """Where operations are called: a new world for each, but one world for all that only read, with the same scopes."""

    def __init__(self, app, servers):
        self._app, self._servers, self._standing = app, servers, None

    def new(self, scopes):
        """A world that nobody has called anything in."""
        self._servers.empty()
        shop_settings.forget()
        self._standing = None
        return a_world(self._app, scopes)

    def standing(self, scopes):
        """A world in which others have read."""
        if self._standing is None or self._standing[:2] != (scopes, self._servers.emptied):
            world = self.new(scopes)
            self._standing = (scopes, self._servers.emptied, world)
        return self._standing[2]


@pytest.fixture(scope="session")
def stage(edge_app, servers):
    return Stage(edge_app, servers)


def reads(operation):
    """Whether an operation changes nothing by what it is."""
    return operation.split(" ")[0] in SAFE


# Those that read follow each other on one worker (tests/groups.py), by scopes, so that one world serves many.
READING = sorted(filter(reads, EXPECTATIONS), key=lambda operation: (EXPECTATIONS[operation].scopes, operation))


@pytest.mark.parametrize("operation", [*READING, *(o for o in EXPECTATIONS if not reads(o))])
def test_access(edge_app, stage, operation):
    app, expectation = edge_app, EXPECTATIONS[operation]
    refused = [kind for kind in KINDS if expectation.outcomes[kind] != OK]
    let_in = [kind for kind in KINDS if expectation.outcomes[kind] == OK]
    fresh = stage.standing if reads(operation) else stage.new
    world = fresh(expectation.scopes)
    surprises = []

    before = everything(app)
    for kind in refused:
        status = call(app, world, operation, kind)
        if status != expectation.outcomes[kind]:
            surprises.append(f"{kind}: {status} instead of {expectation.outcomes[kind]}")
    after = everything(app)
    if after != before:
        changed = [name for name in after if after[name] != before[name]]
        surprises.append(f"one of {', '.join(refused)} was refused, but changed {', '.join(changed)}")

    for number, kind in enumerate(let_in):
        if number:
            world = fresh(expectation.scopes)
        owners = of_the_owner(app, world)
        status = call(app, world, operation, kind)
        if status not in expectation.answers:
            surprises.append(f"{kind}: {status} instead of one of {sorted(expectation.answers)}")
        if not may_touch(operation, kind) and of_the_owner(app, world) != owners:
            surprises.append(f"{kind}: let in, but changed what is the owner's")
    assert surprises == []


def may_touch(operation, kind):
    """Whether a call may change what is the owner's: their own, the staff's, and what is public (to sign in, say)."""
    return kind == "owner" or operation.partition(" ")[2].startswith(("/api/v1/admin/", "/api/v1/auth/"))
