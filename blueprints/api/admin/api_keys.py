"""Staff: API keys of integrations."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.common import PageQuery
from blueprints.api.schemas.staff import ApiKeyPage, MadeApiKey, NewApiKeyBody
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from quickshop.accounts import api_keys
from quickshop.accounts.permissions import Permission
from quickshop.kernel.ids import parse_id

blp = ApiBlueprint("admin_api_keys", __name__, url_prefix="/api/v1/admin", description="Staff: API keys")


@blp.get("/api-keys")
@staff(Permission.API_KEYS_WRITE)
@blp.arguments(PageQuery, location="query")
@blp.answers(200, ApiKeyPage)
def list_keys(args: dict[str, Any]) -> Response:
    """All keys, the newest first; the keys themselves are not kept."""
    return json_response(api_keys.list_keys(**args))


@blp.post("/api-keys")
@staff(Permission.API_KEYS_WRITE)
@blp.arguments(NewApiKeyBody)
@blp.answers(201, MadeApiKey)
@commits
def create_key(body: dict[str, Any]) -> Response:
    """Make a key for permissions that the caller holds. The answer is the only one that ever shows it."""
    key_id, key = api_keys.make(g.caller, **body)
    audited(target=f"key:{key_id}", after=body["scopes"])
    return json_response({**api_keys.get_key(key_id), "key": key}, 201)


@blp.delete("/api-keys/<key_id>")
@staff(Permission.API_KEYS_WRITE)
@blp.answers(204)
@commits
def revoke_key(key_id: str) -> Response:
    """End a key at once."""
    api_keys.revoke(parse_id(key_id, "API key"))
    return no_content()
