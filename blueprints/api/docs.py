"""Serves the OpenAPI document (/api/openapi.json) and a page that lists it (/api/docs), without any script."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, render_template
from flask_smorest import Api

from blueprints.http.access import public
from blueprints.http.json import JSON
from quickshop.kernel.errors import ShopError

_METHODS = ("get", "post", "put", "patch", "delete")
_CACHE = "public, max-age=300"
_VARIABLE = re.compile(r"<(?:[^<>]*:)?([^<>:]+)>")


def _finish(app: Flask, document: dict[str, Any]) -> dict[str, Any]:
    """Add to each operation who may call it, and errors as problem documents; both are declared on the views."""
    rules = {_path(rule.rule): rule.endpoint for rule in app.url_map.iter_rules()}
    views = {
        (_path(rule.rule), method.lower()): app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for path, item in document["paths"].items():
        if path not in rules:
            continue
        for method in _METHODS:
            if method in item:
                _finish_operation(item[method], views[path, method])
    for response in document.get("components", {}).get("responses", {}).values():
        _as_problem(response)
    return document


def _path(rule: str) -> str:
    """A Flask rule as an OpenAPI path: `/files/<int:number>.csv` is `/files/{number}.csv`."""
    return _VARIABLE.sub(r"{\1}", rule)


def _finish_operation(operation: dict[str, Any], view: Callable[..., Any]) -> None:
    access = getattr(view, "access", "public")
    operation["x-access"] = access
    operation["security"] = {
        "public": [],
        "anyone": [{}, {"bearer": []}, {"apiKey": []}, {"cartToken": []}, {"orderToken": []}, {"draftToken": []}],
        "member": [{"bearer": []}],
    }.get(access, [{"bearer": []}, {"apiKey": []}])
    key = getattr(view, "idempotency_key", None)
    if key:
        schema = {"type": "string", "minLength": 1, "maxLength": 255}
        header = {"name": "Idempotency-Key", "in": "header", "required": key == "required", "schema": schema}
        operation.setdefault("parameters", []).append(header)


def _as_problem(response: dict[str, Any]) -> None:
    content = response.get("content", {})
    if "application/json" in content:
        content["application/problem+json"] = content.pop("application/json")


def _error_codes() -> list[tuple[str, int, str]]:
    """Every refusal the program knows: code, status, title."""
    found: dict[str, tuple[str, int, str]] = {}
    todo: list[type[ShopError]] = [ShopError]
    while todo:
        kind = todo.pop()
        todo.extend(kind.__subclasses__())
        found.setdefault(kind.code, (kind.code, kind.status, kind.title))
    return sorted(found.values())


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"method": method.upper(), "path": path, **item[method]}
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    ]


def register(app: Flask, api: Api) -> None:
    """Add the two routes. The document is made once; it does not change while the program runs."""
    blueprint = Blueprint("docs", __name__, template_folder="templates")
    document = _finish(app, api.spec.to_dict())
    raw = orjson.dumps(document, option=orjson.OPT_INDENT_2)

    @blueprint.get("/api/openapi.json")
    @public
    def openapi() -> Response:
        return Response(raw, mimetype=JSON, headers={"Cache-Control": _CACHE})

    @blueprint.get("/api/docs")
    @public
    def docs() -> Response:
        page = render_template(
            "api/docs.html",
            operations=_operations(document),
            schemas=document.get("components", {}).get("schemas", {}),
            codes=_error_codes(),
        )
        return Response(page, mimetype="text/html", headers={"Cache-Control": _CACHE})

    app.register_blueprint(blueprint)
