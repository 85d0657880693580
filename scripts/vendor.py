"""Refresh what the browser loads from others: htmx, the Geist fonts, the Lucide icons in use.

A maintainer's tool: it needs `npm` and its registry; nobody who runs Privata does. Run it as

    python scripts/vendor.py                      refresh everything at the pinned versions
    python scripts/vendor.py --add-icon NAME ...  take further Lucide icons into icons.json

Afterwards `static/vendor/SHA256SUMS` holds the new hashes, which a test compares with the files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

UI = Path(__file__).resolve().parent.parent / "src" / "privata" / "ui"
VENDOR = UI / "static" / "vendor"
ICONS = UI / "icons.json"
ICONS_LICENCE = UI / "icons.LICENSE.txt"

FILES = {
    "htmx.org@4.0.1": {
        "dist/htmx.min.js": "htmx/htmx.min.js",
        "LICENSE": "htmx/LICENSE.txt",
    },
    "@fontsource-variable/geist@5.3.0": {
        "files/geist-latin-wght-normal.woff2": "geist/geist-latin.woff2",
        "files/geist-latin-ext-wght-normal.woff2": "geist/geist-latin-ext.woff2",
        "LICENSE": "geist/LICENSE.txt",
    },
    "@fontsource-variable/geist-mono@5.3.0": {
        "files/geist-mono-latin-wght-normal.woff2": "geist-mono/geist-mono-latin.woff2",
        "files/geist-mono-latin-ext-wght-normal.woff2": "geist-mono/geist-mono-latin-ext.woff2",
        "LICENSE": "geist-mono/LICENSE.txt",
    },
}
LUCIDE = "lucide-static@1.62.0"


def unpack(package: str, into: Path) -> Path:
    """Fetch one npm package by `npm pack` and return the folder of its files."""
    packed = subprocess.run(
        ["npm", "pack", "--silent", package],
        cwd=into,
        check=True,
        capture_output=True,
        text=True,
    )
    archive = into / packed.stdout.split()[-1]
    folder = into / archive.stem
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


def inner_svg(svg: str) -> str:
    """The drawing inside Lucide's `<svg>` element, with whitespace folded."""
    found = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    if found is None:
        raise SystemExit("not an SVG file")
    return re.sub(r"\s*\n\s*", "", found.group(1)).replace(" />", "/>")


def refresh_icons(package: Path, added: list[str]) -> None:
    """Write icons.json anew: the names it already has, and the added ones."""
    names = set(json.loads(ICONS.read_text())) if ICONS.exists() else set()
    icons = {}
    for name in sorted(names.union(added)):
        source = package / "icons" / f"{name}.svg"
        if not source.exists():
            raise SystemExit(f"Lucide has no icon called {name}")
        icons[name] = inner_svg(source.read_text())
    ICONS.write_text(json.dumps(icons, indent=1) + "\n")
    shutil.copyfile(package / "LICENSE", ICONS_LICENCE)


def write_sums() -> None:
    """List every vendored file with its SHA-256, in the format of `sha256sum`."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(VENDOR).as_posix()}\n"
        for path in sorted(VENDOR.rglob("*"))
        if path.is_file() and path.name != "SHA256SUMS"
    ]
    (VENDOR / "SHA256SUMS").write_text("".join(lines))


def main() -> None:
    """Entry point: fetch, copy, list."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--add-icon", nargs="*", default=[], metavar="NAME")
    added = parser.parse_args().add_icon
    with tempfile.TemporaryDirectory() as scratch:
        for package, files in FILES.items():
            folder = unpack(package, Path(scratch))
            for source, target in files.items():
                (VENDOR / target).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / source, VENDOR / target)
        refresh_icons(unpack(LUCIDE, Path(scratch)), added)
    write_sums()


if __name__ == "__main__":
    main()
