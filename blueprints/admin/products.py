"""Products on the staff's pages: finding them, showing and hiding many, and one with all that belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.notes import go, problem
from blueprints.admin.views import staff
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from blueprints.http.uploads import picture_words, prepared, takes_pictures, uploaded
from quickshop.accounts.permissions import Permission
from quickshop.catalog import editing, foreign_prices, management, pictures
from quickshop.catalog.queries import product_ids_of
from quickshop.catalog.service import NewProduct, NewVariant
from quickshop.extensions import settings
from quickshop.inventory import moving, watching
from quickshop.inventory.service import receive
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.tax.queries import list_classes

LONGEST_QUERY = 200
MOST_UNITS = 1_000_000_000


@staff.get("/products")
@staff_page(Permission.CATALOG_WRITE)
def product_list() -> Response:
    """All products, the newest first, by words, category and state."""
    return _list()


def _list(error: ShopError | None = None) -> Response:
    given = request.args
    q, category = given.get("q", "").strip()[:LONGEST_QUERY], given.get("category", "")[:LONGEST_QUERY]
    state = given.get("state", "")
    found = management.list_products(
        q=q,
        category=category or None,
        state=state if state in management.STATES else None,
        cursor=given.get("cursor"),
    )
    page = render_template(
        "staff/products.html",
        section="products",
        products=found,
        categories=management.list_categories(),
        states=management.STATES,
        chosen={"q": q, "category": category, "state": state},
        low=watching.count_low(),
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


@staff.post("/products/show")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def show_products() -> Response:
    """Show or hide the products that are ticked."""
    wanted = [parse_id(value, "product") for value in request.form.getlist("product")[:100]]
    shown = request.form.get("do") == "publish"
    try:
        if not wanted:
            raise Invalid({"product": ["Tick the products first."]})
        run_unit(lambda: editing.show_products(wanted, shown))
    except ShopError as error:
        return _list(error)
    query = request.query_string.decode()
    return go("/admin/products" + (f"?{query}" if query else ""))


# --- a new one -----------------------------------------------------------------------------------------


@staff.get("/products/new")
@staff_page(Permission.CATALOG_WRITE)
def new_product() -> Response:
    """The form of a new product."""
    return _new()


def _new(error: ShopError | None = None) -> Response:
    page = render_template(
        "staff/product_new.html",
        section="products",
        categories=management.list_categories(),
        currency=settings().base_currency,
        typed=request.form,
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


@staff.post("/products/new")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def create_product() -> Response:
    """Make a draft with one variant; all else is filled in on its page."""
    try:
        new, units = _draft(Typed(request.form))
        product_id = run_unit(lambda: _create(new, units))
    except ShopError as error:
        return _new(error)
    return go(f"/admin/products/{product_id}")


def _draft(typed: Typed) -> tuple[NewProduct, int]:
    currency = settings().base_currency
    price, category = typed.amount("price", "The price", currency), typed.id("category_id", "The category")
    if price is None or category is None:
        raise Invalid({"price": ["A product needs a category and a price."]})
    new = NewProduct(
        slug=typed.slug(),
        name=typed.text("name", "The name", 200),
        description=typed.text("description", "The description", 20_000, needed=False),
        category_id=category,
        currency=currency,
        variants=[NewVariant(typed.text("sku", "The SKU", 64), price)],
        draft=True,
    )
    return new, typed.whole("stock", "The stock", 0, MOST_UNITS) or 0


def _create(new: NewProduct, units: int) -> UUID:
    product_id, variants = editing.make_product(new)
    if units:
        receive(dict.fromkeys(variants.values(), units))
    return product_id


# --- one product ---------------------------------------------------------------------------------------


@staff.get("/products/<product_id>")
@staff_page(Permission.CATALOG_WRITE)
def product(product_id: str) -> Response:
    """One product with all that belongs to it."""
    return _page(parse_id(product_id, "product"))


def _page(product_id: UUID, error: ShopError | None = None, typed: Any = None) -> Response:
    page = render_template(
        "staff/product.html",
        section="products",
        product=management.get_product(product_id),
        categories=management.list_categories(),
        tax_classes=list_classes(),
        causes=moving.CAUSES,
        low_at=settings().low_stock_at,
        currencies=settings().currencies,
        foreign=foreign_prices.of_product(product_id),
        typed=typed if error else None,
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


def do(product_id: UUID, work: Callable[[], Any], part: str = "", typed: Any = None) -> Response:
    """Do something to a product in one unit and go back to its page; a refusal stands on that page."""
    try:
        run_unit(work)
    except ShopError as error:
        return _page(product_id, error, typed)
    return go(f"/admin/products/{product_id}{part}")


@staff.post("/products/<product_id>")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def change_product(product_id: str) -> Response:
    """Change what a product is called, where it lies, what it says and what goes with it."""
    known, typed = parse_id(product_id, "product"), Typed(request.form)

    def change() -> None:
        changes: dict[str, Any] = {
            "name": typed.text("name", "The name", 200),
            "slug": typed.slug(),
            "description": typed.text("description", "The description", 20_000, needed=False),
            "tax_class": typed.text("tax_class", "The tax class", 40, needed=False) or None,
            "attributes": typed.pairs("attributes", "Attributes"),
            "options": typed.options("options"),
            "related": product_ids_of(typed.lines("related", "What goes with it", 50)),
        }
        category = typed.id("category_id", "The category")
        if category is not None:
            changes["category_id"] = category
        editing.edit_product(known, changes, typed.versions())

    return do(known, change, typed=request.form)


@staff.post("/products/<product_id>/show")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def change_show(product_id: str) -> Response:
    """Show a product now, between two times, or not at all."""
    known, typed = parse_id(product_id, "product"), Typed(request.form)

    def change() -> None:
        if request.form.get("do") in ("publish", "unpublish"):
            editing.show_products([known], request.form["do"] == "publish")
            return
        times = {
            "published_at": typed.moment("published_at", "The beginning"),
            "withdrawn_at": typed.moment("withdrawn_at", "The end"),
        }
        editing.edit_product(known, times, typed.versions())

    return do(known, change)


# --- its pictures --------------------------------------------------------------------------------------


@staff.post("/products/<product_id>/pictures")
@staff_page(Permission.CATALOG_WRITE)
@takes_pictures
@commits_itself
def add_picture(product_id: str) -> Response:
    """Upload a picture."""
    known = parse_id(product_id, "product")
    with reading():
        management.version_of(known)
    try:
        alt = picture_words(request.form.get("alt"))
        files = prepared(uploaded("file"))
    except ShopError as error:
        return _page(known, error)

    def add() -> None:
        with editing.editing(known):
            pictures.add_picture(known, files, alt)

    return do(known, add, "#pictures")


@staff.post("/products/<product_id>/pictures/<picture_id>")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def change_picture(product_id: str, picture_id: str) -> Response:
    """Say what a picture shows, move it by one place or to the front, or take it away."""
    known, which = parse_id(product_id, "product"), parse_id(picture_id, "picture")
    typed, wish = Typed(request.form), request.form.get("do", "")

    def change() -> None:
        with editing.editing(known):
            if wish == "remove":
                pictures.remove_picture(known, which)
            else:
                place = typed.whole("position", "The place", 0, 100) if wish == "move" else None
                alt = picture_words(request.form.get("alt")) if wish == "describe" else None
                pictures.change_picture(known, which, alt=alt, position=place)

    return do(known, change, "#pictures")
