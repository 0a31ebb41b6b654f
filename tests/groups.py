"""Which tests share costly processes and so follow each other on one worker, told from their names and their files.

xdist's own groups name a test anew, which pytest 9.2 no longer allows: they would do nothing.
"""

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent.parent
BROWSER, LIVE_SHOP, READS = "browser", "live-shop", "access-reads"


@cache
def _text(path):
    return (ROOT / path).read_text("utf-8")


def group_of(nodeid):
    """The group of a test, or None: the browser, the running shop, its file's own processes, or one standing world."""
    path, _, name = nodeid.partition("::")
    if path.startswith("tests/browser/"):
        return BROWSER
    if "live_shop" in _text(path):
        return LIVE_SHOP
    if path.endswith("test_access_matrix.py") and name.startswith("test_access[GET "):
        return READS
    return path if 'scope="module"' in _text(path) else None


class Grouped(LoadScopeScheduling):
    """Sends the tests of a group to one worker, every other test to whoever is free."""

    def _split_scope(self, nodeid):
        return group_of(nodeid) or nodeid
