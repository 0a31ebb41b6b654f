"""Imports on the staff's pages: upload, what the columns mean, checking, importing, and what is wrong with rows."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Response, make_response, render_template, request

from blueprints.admin.notes import go, problem
from blueprints.admin.views import staff
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.csv_files import csv_download, sent_csv, takes_csv
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.imports import exporting, queries, service, uploading
from quickshop.imports.kinds import Kind
from quickshop.kernel.errors import Invalid, NotFound, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import reading, run_unit

KINDS = [str(kind) for kind in Kind]
ERRORS = 50
LIST = 20


@staff.get("/imports")
@staff_page(Permission.CATALOG_WRITE)
def imports() -> Response:
    """Uploading, exporting, and the imports so far."""
    return _list_page()


def _list_page(error: ShopError | None = None) -> Response:
    page = render_template(
        "staff/imports.html",
        section="imports",
        imports=queries.list_imports(limit=LIST, cursor=request.args.get("cursor")),
        kinds=KINDS,
        fields={kind: queries.fields_of(kind) for kind in KINDS},
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


@staff.post("/imports")
@staff_page(Permission.CATALOG_WRITE)
@takes_csv
@commits_itself
def upload_import() -> Response:
    """Take a file in; what its columns mean is asked next."""
    try:
        file, kind = sent_csv("file"), request.form.get("kind", "")
        if kind not in KINDS:
            raise Invalid({"kind": ["Please choose what the file holds."]})
        import_id = run_unit(lambda: uploading.take(Kind(kind), file.stream, file.filename or ""))
    except ShopError as error:
        return _list_page(error)
    audited(target=f"import:{import_id}", after=[kind])
    return go(f"/admin/imports/{import_id}")


@staff.get("/imports/<import_id>")
@staff_page(Permission.CATALOG_WRITE)
def one_import(import_id: str) -> Response:
    """One import."""
    return _page(parse_id(import_id, "import"))


def _page(import_id: UUID, error: ShopError | None = None) -> Response:
    found = queries.get_import(import_id)
    page = render_template(
        "staff/import.html",
        section="imports",
        found=found,
        mapping=queries.mapping_of(import_id) if found["state"] == "uploaded" else None,
        fields=queries.fields_of(found["kind"]),
        chosen=request.form,
        errors=queries.list_errors(import_id, limit=ERRORS, cursor=request.args.get("cursor")),
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


def _do(import_id: UUID, work: Callable[[], None]) -> Response:
    try:
        run_unit(work)
    except NotFound:
        raise
    except ShopError as error:
        return _page(import_id, error)
    return go(f"/admin/imports/{import_id}")


@staff.post("/imports/<import_id>/begin")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def begin_import(import_id: str) -> Response:
    """Check the file, and import it unless only checking was asked for."""
    known = parse_id(import_id, "import")
    names = [column["name"] for column in queries.mapping_of(known)]
    mapping = {name: request.form.get(f"column-{place}") or None for place, name in enumerate(names)}
    mode: service.Mode = "all_or_nothing" if request.form.get("mode") == "all_or_nothing" else "skip_bad"
    dry_run = request.form.get("then") != "import"
    return _do(known, lambda: service.begin(known, mode=mode, dry_run=dry_run, mapping=mapping))


_STEPS = {"start": service.start, "stop": service.stop, "resume": service.resume}


@staff.post("/imports/<import_id>/<any(start, stop, resume):step>")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def move_import(import_id: str, step: str) -> Response:
    """Import what was checked; stop; go on."""
    known = parse_id(import_id, "import")
    audited(after=[step])
    return _do(known, lambda: _STEPS[step](known))


@staff.get("/imports/<import_id>/errors.csv")
@staff_page(Permission.CATALOG_WRITE)
def import_errors(import_id: str) -> Response:
    """What is wrong with its rows, as a file."""
    with reading():
        pieces = queries.errors_csv(parse_id(import_id, "import"))
    return csv_download(pieces, f"errors-{import_id}.csv")


@staff.get("/exports/<any(products, prices, stock):kind>.csv")
@staff_page(Permission.CATALOG_WRITE)
def export_file(kind: str) -> Response:
    """All products, prices or stock as a file."""
    return csv_download(exporting.export(Kind(kind)), f"{kind}.csv")
