"""Commands beside a running shop find its database by its folder; a named database always wins."""

import json
import subprocess
import sys

from quickshop.runtime import orphans
from quickshop.runtime.running import settings_beside


def test_a_command_takes_the_settings_of_the_shop_that_runs_in_its_folder(tmp_path):
    given = {"QUICKSHOP_HOME": str(tmp_path)}
    assert settings_beside(given) == given
    web = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        env={"DATABASE_URL": "postgresql://of-the-shop/", "QUICKSHOP_ENV": "development"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        web.stdout.readline()
        noted = {"name": "web", "pid": web.pid, "started": orphans.start_time(web.pid)}
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "processes.json").write_text(json.dumps({"processes": [noted]}))
        found = settings_beside(given)
        assert (found["DATABASE_URL"], found["QUICKSHOP_ENV"]) == ("postgresql://of-the-shop/", "development")
        named = given | {"DATABASE_URL": "postgresql://named/"}
        assert settings_beside(named) == named
    finally:
        web.communicate(b"\n", timeout=20)
    assert settings_beside(given) == given
