"""Staff: files of products, prices and stock, in and out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from blueprints.api.schemas.common import PageQuery
from blueprints.api.schemas.imports import ImportErrorPage, ImportOut, ImportPage, NewImportForm
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.csv_files import csv_download, sent_csv, takes_csv
from blueprints.http.json import json_response
from quickshop.accounts.permissions import Permission
from quickshop.imports import exporting, queries, service, uploading
from quickshop.imports.kinds import Kind
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import reading

blp = ApiBlueprint("admin_imports", __name__, url_prefix="/api/v1/admin", description="Staff: imports and exports")

_UPLOAD = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file", "kind"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "CSV in UTF-8, 100 MiB at most"},
                    "kind": {"type": "string", "enum": [str(kind) for kind in Kind]},
                    "mode": {"type": "string", "enum": list(service.MODES), "default": "skip_bad"},
                    "dry_run": {"type": "boolean", "default": False, "description": "Check only; start it afterwards"},
                    "mapping": {
                        "type": "string",
                        "description": "JSON object: names of columns with the fields they give, or null",
                    },
                },
            }
        }
    },
}


def _view(import_id: UUID, status: int = 200) -> Response:
    headers = {"Location": f"/api/v1/admin/imports/{import_id}"} if status == 202 else {}
    return json_response(queries.get_import(import_id), status, headers)


@blp.post("/imports")
@staff(Permission.CATALOG_WRITE)
@takes_csv
@blp.doc(requestBody=_UPLOAD)
@blp.answers(202, ImportOut)
@commits
def create_import() -> Response:
    """Take a file in and have it checked, and applied unless it is a dry run. Follow it at its address or live."""
    file = sent_csv("file")
    form: dict[str, Any] = NewImportForm().load(request.form.to_dict())
    import_id = uploading.take(Kind(form["kind"]), file.stream, file.filename or "")
    service.begin(import_id, mode=form["mode"], dry_run=form["dry_run"], mapping=form["mapping"])
    audited(target=f"import:{import_id}", after=[form["kind"], form["mode"]], dry_run=form["dry_run"])
    return _view(import_id, 202)


@blp.get("/imports")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(PageQuery, location="query")
@blp.answers(200, ImportPage)
def list_imports(args: dict[str, Any]) -> Response:
    """All imports of the last 30 days, the newest first."""
    return json_response(queries.list_imports(**args))


@blp.get("/imports/<import_id>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, ImportOut)
def get_import(import_id: str) -> Response:
    """One import: where it stands and how far it is."""
    return _view(parse_id(import_id, "import"))


@blp.get("/imports/<import_id>/errors")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(PageQuery, location="query")
@blp.answers(200, ImportErrorPage)
def list_errors(args: dict[str, Any], import_id: str) -> Response:
    """What is wrong with its rows."""
    return json_response(queries.list_errors(parse_id(import_id, "import"), **args))


@blp.get("/imports/<import_id>/errors.csv")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, description="A CSV file: row, column, reason, detail")
def download_errors(import_id: str) -> Response:
    """The same as a file."""
    with reading():
        pieces = queries.errors_csv(parse_id(import_id, "import"))
    return csv_download(pieces, f"errors-{import_id}.csv")


@blp.post("/imports/<import_id>/start")
@staff(Permission.CATALOG_WRITE)
@blp.answers(202, ImportOut)
@commits
def start_import(import_id: str) -> Response:
    """Apply what a dry run found good. `rows_failed` where some rows are bad and all or nothing was chosen."""
    known = parse_id(import_id, "import")
    service.start(known)
    return _view(known, 202)


@blp.post("/imports/<import_id>/stop")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, ImportOut)
@commits
def stop_import(import_id: str) -> Response:
    """Stop at once; rows that are done stay. All or nothing leaves nothing until it is done."""
    known = parse_id(import_id, "import")
    service.stop(known)
    return _view(known)


@blp.post("/imports/<import_id>/resume")
@staff(Permission.CATALOG_WRITE)
@blp.answers(202, ImportOut)
@commits
def resume_import(import_id: str) -> Response:
    """Go on where it was stopped."""
    known = parse_id(import_id, "import")
    service.resume(known)
    return _view(known, 202)


@blp.get("/exports/<kind>.csv")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, description="A CSV file that can be imported again")
def export(kind: str) -> Response:
    """All products, prices or stock as a file that changes nothing when it is imported again."""
    if kind not in set(Kind):
        raise NotFound("export")
    return csv_download(exporting.export(Kind(kind)), f"{kind}.csv")
