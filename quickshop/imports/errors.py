"""What imports refuse. What is wrong with single rows is a `Fault`, not an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quickshop.kernel.errors import Conflict, ShopError


@dataclass(frozen=True)
class Fault:
    """What is wrong in a row: a machine word, a sentence, and the column's field (None: the row as a whole)."""

    reason: str
    detail: str
    column: str | None = None


class FileRefused(ShopError):
    """The file as a whole cannot be read. `reason` is one of empty_file, not_csv, utf_16, not_utf8."""

    status, code, title = 422, "file_refused", "This file cannot be imported"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail, reason=reason)
        self.reason = reason


class FileTooLarge(FileRefused):
    """The file is larger than any that is taken."""

    status, code, title = 413, "file_too_large", "This file is too large"

    def __init__(self, mebibytes: int) -> None:
        super().__init__("too_large", f"A file may have {mebibytes} MiB at most.")


class ColumnsRefused(ShopError):
    """The columns do not say what the import needs: `missing` fields, `twice` mapped ones, `unknown` names."""

    status, code, title = 422, "columns_refused", "The columns do not fit"

    def __init__(self, missing: Sequence[str] = (), twice: Sequence[str] = (), unknown: Sequence[str] = ()) -> None:
        said = [
            f"No column gives {', '.join(missing)}." if missing else "",
            f"More than one column gives {', '.join(twice)}." if twice else "",
            f"There is no {', '.join(unknown)}." if unknown else "",
        ]
        super().__init__(" ".join(filter(None, said)), missing=[*missing], twice=[*twice], unknown=[*unknown])


class ImportState(Conflict):
    """What was asked for does not fit where the import stands."""

    code, title = "import_state", "The import does not stand there"


class RowsFailed(Conflict):
    """All or nothing was chosen, and some rows have errors."""

    code, title = "rows_failed", "Some rows have errors"
