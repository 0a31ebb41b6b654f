"""Probes, measurements and the API's own document."""

import re

from tests.factories.accounts import an_account, execute


def parts(client):
    answer = client.get("/readyz")
    return answer, {part["name"]: part for part in answer.json["parts"]}


def test_without_relay_and_workers_the_shop_is_degraded_but_serves(client):
    answer, found = parts(client)
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert found["database"]["ok"] and found["migrations"]["ok"] and found["redis"]["ok"]
    assert {"relay", "worker orders.vip", "worker system"} <= set(answer.json["degraded"])


def test_with_everything_alive_it_is_ready_until_something_falls_silent(client):
    execute(client, "INSERT INTO relay_beats (name, seen_at) VALUES ('leader', now())")
    for queue in ("orders.vip", "orders.high", "orders.standard", "notify", "system"):
        execute(client, "INSERT INTO worker_canaries (queue, seen_at) VALUES (:q, now())", q=queue)
    answer, _ = parts(client)
    assert (answer.json["status"], answer.json["degraded"]) == ("ready", [])
    execute(client, "UPDATE relay_beats SET seen_at = now() - interval '11 s'")
    execute(client, "UPDATE worker_canaries SET seen_at = now() - interval '46 s' WHERE queue = 'notify'")
    answer, _ = parts(client)
    assert (answer.status_code, answer.json["degraded"]) == (200, ["relay", "worker notify"])


def test_a_database_of_another_version_is_not_ready(client, servers):
    servers.run("UPDATE alembic_version SET version_num = 'older'")
    try:
        answer, found = parts(client)
    finally:
        from quickshop.monitoring.readiness import migration_heads

        [head] = migration_heads()
        servers.run("UPDATE alembic_version SET version_num = %s", head)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert not found["migrations"]["ok"]


def test_requests_are_counted_by_route_and_not_by_address(client):
    for number in range(3):
        client.get(f"/api/v1/products/does-not-exist-{number}")
    text = client.get("/metrics").get_data(as_text=True)
    which = r'method="GET",.*route="/api/v1/products/<slug_or_id>",status="404".*'
    [line] = re.findall(rf"quickshop_http_request_seconds_count\{{{which}\}} (.*)", text)
    assert float(line) >= 3
    assert "does-not-exist" not in text
    assert "quickshop_db_pool_checked_out" in text


def test_the_document_names_every_api_route_and_who_may_call_it(client):
    document = client.get("/api/openapi.json").json
    assert document["openapi"].startswith("3.1")
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in client.application.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1") or rule.rule in ("/healthz", "/readyz", "/metrics")
    }
    operations = {
        (path, method): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }
    assert set(operations) == routes
    assert all(operation["x-access"] for operation in operations.values())
    assert all(operation["security"] is not None for operation in operations.values())
    place = operations["/api/v1/orders", "post"]
    [key] = [p for p in place["parameters"] if p["name"] == "Idempotency-Key"]
    assert key["required"] is True
    errors = document["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert list(errors) == ["application/problem+json"]


def test_the_document_refers_to_nothing_that_is_missing(client):
    document = client.get("/api/openapi.json").json
    for ref in set(re.findall(r'"\$ref":\s*"#/([^"]+)"', client.get("/api/openapi.json").get_data(as_text=True))):
        place = document
        for step in ref.split("/"):
            place = place[step]


def test_the_docs_page_needs_no_script_and_names_every_error_code(client):
    page = client.get("/api/docs").get_data(as_text=True)
    assert "<script" not in page
    assert "style=" not in page
    assert "/api/v1/auth/login" in page
    for code in ("out_of_stock", "idempotency_key_reused", "refresh_token_reused", "rate_limited"):
        assert f'id="{code}"' in page


def test_answers_of_accounts_have_the_documented_fields(client):
    document = client.get("/api/openapi.json").json["components"]["schemas"]
    account = an_account(client)
    assert set(account.get("/me").json) == set(document["Me"]["properties"])
    assert set(account.get("/auth/sessions").json["items"][0]) == set(document["SessionOut"]["properties"])
    assert set(account.sign_in().json) == set(document["TokenPair"]["properties"])
    assert set(account.get("/me/events").json["items"][0]) == set(document["EventOut"]["properties"])
