"""The category tree and the attributes on the staff's pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.notes import attempt, problem
from blueprints.admin.views import staff
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.catalog import categories, management
from quickshop.catalog.changing import set_attribute
from quickshop.catalog.service import create_category as make_category
from quickshop.kernel.errors import ShopError
from quickshop.kernel.ids import parse_id

LAST = 10_000


@staff.get("/categories")
@staff_page(Permission.CATALOG_WRITE)
def category_tree() -> Response:
    """All categories as a tree, and all attributes."""
    return _page()


def _page(error: ShopError | None = None) -> Response:
    page = render_template(
        "staff/categories.html",
        section="categories",
        categories=management.list_categories(),
        attributes=management.list_attributes(),
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


def _version(typed: Typed) -> int | None:
    """The version that the form was made of."""
    return typed.whole("version", "The version", 1, 10**9)


def _do(work: Callable[[], Any]) -> Response:
    return attempt(work, _page, "/admin/categories")


@staff.post("/categories")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def create_category() -> Response:
    """Make a category."""
    typed = Typed(request.form)
    return _do(
        lambda: make_category(
            typed.slug(),
            typed.text("name", "The name", 120),
            parent_id=typed.id("parent_id", "The category above"),
            position=typed.whole("position", "The place", 0, LAST) or 0,
        )
    )


@staff.post("/categories/<category_id>")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def change_category(category_id: str) -> Response:
    """Rename, reorder or move a category."""
    known, typed = parse_id(category_id, "category"), Typed(request.form)

    def change() -> None:
        changes: dict[str, Any] = {
            "slug": typed.slug(),
            "name": typed.text("name", "The name", 120),
            "position": typed.whole("position", "The place", 0, LAST),
        }
        parent = typed.id("parent_id", "The category above")
        if str(parent or "") != request.form.get("parent_before", ""):
            changes["parent_id"] = parent
        categories.edit_category(known, changes, _version(typed))

    return _do(change)


@staff.post("/categories/<category_id>/remove")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def remove_category(category_id: str) -> Response:
    """Remove an empty category."""
    return _do(lambda: categories.remove_category(parse_id(category_id, "category")))


@staff.post("/attributes/<path:name>")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def change_attribute(name: str) -> Response:
    """Say how an attribute is shown, and whether lists can be filtered by it."""
    typed = Typed(request.form)
    return _do(
        lambda: set_attribute(
            name,
            label=typed.text("label", "The label", 60),
            facetable="facetable" in request.form,
            position=typed.whole("position", "The place", 0, LAST),
            version=_version(typed),
        )
    )
