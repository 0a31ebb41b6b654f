"""docs/operations.md names every setting and every process."""

import re
from pathlib import Path

from quickshop.runtime.processes import DEFAULTS, PROGRAMS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()


def names_read(file):
    """The environment variables a module of ours reads, by the words it reads them with."""
    found = re.findall(r"""(?:env(?:iron)?(?:\.get\(|\[)|\(env, )["']([A-Z][A-Z_]+)["']""", (ROOT / file).read_text())
    assert found
    return set(found)


def test_every_setting_is_documented():
    settings = names_read("quickshop/config.py") | names_read("gunicorn.conf.py") | set(DEFAULTS)
    assert {name for name in settings if f"`{name}`" not in PAGE} == set()


def test_every_process_is_documented():
    assert {program.name for program in PROGRAMS if f"`{program.name}`" not in PAGE} == set()
