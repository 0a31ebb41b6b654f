"""What comes in: strict schemas, and blueprints whose arguments are read by them. Nothing here knows a domain."""

from __future__ import annotations

import http
from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import Any, ClassVar

from flask import request
from flask_smorest import Blueprint
from marshmallow import EXCLUDE, RAISE, Schema
from werkzeug.datastructures import MultiDict

from blueprints.http.json_body import json_body

View = Callable[..., Any]


class StrictSchema(Schema):
    """A request body: unknown fields are errors, not ignored."""

    class Meta:
        unknown = RAISE


class QuerySchema(Schema):
    """A query string: parameters we do not know are ignored. `repeatable` names those read as lists."""

    repeatable: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        unknown = EXCLUDE


def _query(schema: Schema) -> dict[str, Any]:
    given: MultiDict[str, str] = request.args
    repeatable: frozenset[str] = getattr(schema, "repeatable", frozenset())
    return {name: given.getlist(name) if name in repeatable else given[name] for name in given}


def _load(schema: Schema, location: str) -> Any:
    return schema.load(json_body() if location == "json" else _query(schema))


class ApiBlueprint(Blueprint):
    """A flask-smorest blueprint with one way to read arguments and answers that are documented, not walked."""

    def arguments(self, schema: Any, *, location: str = "json", **documentation: Any) -> Callable[[View], View]:
        """Read the JSON body or the query string by a schema and append it to the view's arguments (422 if wrong)."""
        instance: Schema = schema() if isinstance(schema, type) else schema
        parameters = {"in": location, "required": True, "schema": instance, **documentation}

        def decorator(view: View) -> View:
            @wraps(view)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return view(*args, _load(instance, location), **kwargs)

            doc = _doc(wrapper).setdefault("arguments", {})
            doc.setdefault("parameters", []).append(parameters)
            return wrapper

        return decorator

    def answers(
        self, status: int, schema: Any = None, description: str | None = None, **documentation: Any
    ) -> Callable[[View], View]:
        """Document an answer. The view returns it itself, made by `json_response`; nothing is dumped again."""
        instance = schema() if isinstance(schema, type) else schema

        def decorator(view: View) -> View:
            told = {"description": description or http.HTTPStatus(status).phrase, "content_type": None}
            if instance is not None:
                told["schema"] = instance
            responses = _doc(view).setdefault("response", {}).setdefault("responses", {})
            responses.setdefault(status, []).append({**told, **documentation})
            return view

        return decorator


def _doc(view: View) -> dict[str, Any]:
    """The view's own copy of its documentation (wrapping shares the inner one's)."""
    view._apidoc = deepcopy(getattr(view, "_apidoc", {}))  # type: ignore[attr-defined]
    return view._apidoc  # type: ignore[attr-defined]
