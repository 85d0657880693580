"""What the browser loads: vendored hashes, the address with its hash, complete lists."""

from __future__ import annotations

import hashlib
import re

import pytest

from privata.ui import static_files

_VENDOR = static_files.static_root() / "vendor"


def test_vendored_files_are_the_ones_listed() -> None:
    listed = {}
    for line in (_VENDOR / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        listed[name] = digest
    found = {
        path.relative_to(_VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in _VENDOR.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }
    assert found == listed


def test_every_vendored_folder_has_its_licence() -> None:
    for folder in _VENDOR.iterdir():
        if folder.is_dir():
            assert (folder / "LICENSE.txt").is_file(), folder.name


def test_address_holds_the_hash_of_the_tree() -> None:
    assert re.fullmatch(r"/static/[0-9a-f]{12}/", static_files.static_prefix())
    assert static_files.static_url("css/base.css").endswith("/css/base.css")
    with pytest.raises(FileNotFoundError):
        static_files.static_url("css/missing.css")


def test_every_style_sheet_is_in_a_bundle() -> None:
    root = static_files.static_root()
    found = {path.relative_to(root).as_posix() for path in (root / "css").rglob("*.css")}
    assert found == {*static_files.STYLESHEETS, *static_files.DOCS_STYLESHEETS}


def test_every_script_is_in_the_bundle_or_loaded_by_the_docs() -> None:
    bundle = static_files.bundles()[static_files.SCRIPT].decode()
    found = {path.name for path in (static_files.static_root() / "js").glob("*.js")}
    assert set(re.findall(r"^// ([\w-]+\.js)$", bundle, re.MULTILINE)) == found - {"docs.js"}


def test_colours_live_in_the_tokens_only() -> None:
    # White and black with alpha are allowed in shadows and edges.
    for name in static_files.STYLESHEETS[1:]:
        text = (static_files.static_root() / name).read_text()
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)|oklch\(|hsl\(", text), name
