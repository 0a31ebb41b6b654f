"""Copies Inter into quickshop/invoices/fonts, as what a printed invoice needs: Latin, Greek and Cyrillic, two weights.

Run it after changing VERSION; it needs npm, and fonttools and brotli, which the shop's requirements bring. The made
files are committed with their licence. Digits become the ones of equal width, so that amounts stand under each other.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

PACKAGE, VERSION = "inter-ui", "4.1.1"
WEIGHTS = ("Regular", "SemiBold")
TARGET = Path(__file__).resolve().parent.parent / "quickshop" / "invoices" / "fonts"
# Every letter of Europe's Latin, Greek and Cyrillic alphabets with their marks, and what stands between words.
RANGES = (
    "U+0020-007E,U+00A0-024F,U+0259,U+02B0-02FF,U+0300-036F,U+0370-03FF,U+0400-052F,U+1C80-1C88,U+1E00-1EFF,"
    "U+1F00-1FFF,U+2000-206F,U+2070-209F,U+20A0-20C0,U+2100-214F,U+2150-215F,U+2190-2193,U+2212,U+2215,U+221E,"
    "U+2248,U+2260-2265,U+25A1,U+25CF,U+2605,U+2713,U+FB00-FB06,U+FFFD"
)


def main() -> int:
    """Fetches the package, makes the files and writes them beside their licence."""
    npm = shutil.which("npm")
    if npm is None:
        print("npm was not found: install Node 20 or newer to update the font.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=scratch, check=True)  # noqa: S603
        with tarfile.open(Path(scratch) / f"{PACKAGE}-{VERSION}.tgz") as packed:
            packed.extractall(scratch, filter="data")
        package = Path(scratch) / "package"
        TARGET.mkdir(parents=True, exist_ok=True)
        for weight in WEIGHTS:
            _make(package / "web" / f"Inter-{weight}.woff2", TARGET / f"Inter-{weight}.ttf")
        shutil.copyfile(package / "LICENSE.txt", TARGET / "LICENSE")
    return 0


def _make(source: Path, target: Path) -> None:
    font = TTFont(source, recalcTimestamp=False)
    font.flavor = None
    _use_digits_of_equal_width(font)
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.recalc_timestamp = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "STAT", "meta"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(RANGES))
    subsetter.subset(font)
    font.save(target)
    print(f"{target.name}: {font['maxp'].numGlyphs} glyphs, {target.stat().st_size} bytes")


def _use_digits_of_equal_width(font: TTFont) -> None:
    gsub = font["GSUB"].table
    lookups = {i for r in gsub.FeatureList.FeatureRecord if r.FeatureTag == "tnum" for i in r.Feature.LookupListIndex}
    equal: dict[str, str] = {}
    for index in lookups:
        for found in gsub.LookupList.Lookup[index].SubTable:
            equal |= getattr(getattr(found, "ExtSubTable", found), "mapping", {})
    for table in font["cmap"].tables:
        for code in range(ord("0"), ord("9") + 1):
            if code in table.cmap:
                table.cmap[code] = equal.get(table.cmap[code], table.cmap[code])


if __name__ == "__main__":
    sys.exit(main())
