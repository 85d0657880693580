"""Makes one style sheet of many, and one script of many modules, when the program starts.

A page that loads each small file by itself needs some fifty requests, which a newcomer's browser
makes six at a time. The sources stay small files; nothing has to be built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

_NAMES = r"\{\s*\w+(?:\s*,\s*\w+)*\s*,?\s*\}"
_IMPORT = re.compile(rf'^import (?:({_NAMES}) from )?"\./([\w-]+\.js)";$', re.MULTILINE)
_EXPORT_FUNCTION = re.compile(r"^export ((?:async )?function (\w+))", re.MULTILINE)
_EXPORT_LIST = re.compile(rf"^export ({_NAMES});$", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


class UnknownForm(Exception):
    """A file is written in a way that cannot be put together; names file and place."""


def stylesheet(root: Path, names: Iterable[str]) -> bytes:
    """The style sheets one after the other. It has to be served from the folder of the first.

    `UnknownForm` for one in another folder with an address relative to itself.
    """
    parts, folder = [], None
    for name in names:
        text = (root / name).read_text()
        folder = folder or PurePosixPath(name).parent
        if PurePosixPath(name).parent != folder and "url(" in text:
            raise UnknownForm(f"{name}: url() would be looked for in {folder}/")
        parts.append(f"/* {name} */\n{text}")
    return "\n".join(parts).encode()


def script(root: Path, entry: str) -> bytes:
    """The module `entry` with all that it imports, as one module.

    Each becomes a function that returns what it exports and is called once, in the order in which
    a browser would run the modules (ECMA-262, 16.2.1.6: what is imported first).
    """
    made: dict[str, str | None] = {}
    _add((root / entry).parent, PurePosixPath(entry).name, made)
    return "".join(text for text in made.values() if text).encode()


def _add(folder: Path, name: str, made: dict[str, str | None]) -> None:
    if name in made:
        if made[name] is None:
            raise UnknownForm(f"{name}: it imports itself by way of another")
        return
    made[name] = None  # being made
    text = (folder / name).read_text()
    exported: list[str] = []

    def imported(found: re.Match[str]) -> str:
        names, other = found.groups()
        _add(folder, other, made)
        return f"const {names} = {_variable(other)};" if names else ""

    def function(found: re.Match[str]) -> str:
        exported.append(found[2])
        return found[1]

    def several(found: re.Match[str]) -> str:
        exported.extend(re.findall(r"\w+", found[1]))
        return ""

    text = _IMPORT.sub(imported, text)
    text = _EXPORT_FUNCTION.sub(function, text)
    text = _EXPORT_LIST.sub(several, text)
    left = _LEFT_OVER.search(text)
    if left is not None:
        raise UnknownForm(f"{name}: {left[0]}")
    exports = ", ".join(exported)
    del made[name]  # it stands behind what it imports
    made[name] = (
        f"// {name}\nconst {_variable(name)} = (() => {{\n{text}\nreturn {{ {exports} }};\n}})();\n"
    )


def _variable(name: str) -> str:
    return "module_" + re.sub(r"\W", "_", name.removesuffix(".js"))
