"""The walls between rooms: what no import contract can say, held by patterns over file names.

Five rules, each with a line in CONTRIBUTING.md:

- *cycle*: rooms import each other in no circle, and no more do modules.
- *face*: other rooms import a room through at most three of its modules.
- *table*: the SQL of a room names its own tables; another's it reads through a view of the owner's
  that stands in `rooms_views.toml`, and never writes.
- *framework*: Django and FastAPI belong to files of certain names; no other file reaches them.
- *crowd*: a folder has at most 25 modules side by side.

What breaks a rule today stands in `rooms_known.toml`. Anything else is refused, and so is an entry
there that is true no more: the list only gets shorter. `--figures` prints where the house stands,
`--write` makes the list anew.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KNOWN = Path("scripts/rooms_known.toml")
VIEWS = Path("scripts/rooms_views.toml")
PACKAGE = "privata"

#: What every room may import.
BASE = frozenset({"core", "infra"})

#: The programs that put rooms together; they may import all of a room.
PLANES = frozenset(
    {
        "api",
        "cli",
        "commands",
        "console",
        "demo",
        "dashboard",
        "ready",
        "serving",
        "startup",
        "wiring",
        "worker",
    }
)

MOST_FACES = 3
MOST_MODULES = 25

FRAMEWORKS = {
    "django": re.compile(
        r"(^|\.)(models|apps|urls|\w+_urls|forms|views|\w+_views|\w+_context|migrations"
        r"|middleware|hashers|\w+_backend)(\.|$)"
    ),
    "fastapi": re.compile(r"(^|\.)(api|\w+_api)(\.|$)"),
}

_TABLE_IN_SQL = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE|DELETE FROM|USING)\s+(?:ONLY\s+)?\"?([a-z_][a-z0-9_]*)", re.ASCII
)

_VIEW_IN_MIGRATION = re.compile(
    r"\bCREATE (?:OR REPLACE )?VIEW (\w+)\s+(WITH \(security_invoker = true\))?", re.ASCII
)


_WRITTEN_IN_SQL = re.compile(
    r"\b(?:INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?\"?([a-z_][a-z0-9_]*)", re.ASCII
)


@dataclass
class House:
    """Every module of the package with what it imports and which tables its SQL names."""

    imports: dict[str, set[str]] = field(default_factory=dict)
    outside: dict[str, set[str]] = field(default_factory=dict)
    sql: dict[str, set[str]] = field(default_factory=dict)
    written: dict[str, set[str]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)

    def rooms(self) -> dict[str, dict[str, set[str]]]:
        """Room -> imported room -> its modules that are imported; planes and base left out."""
        found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for module, targets in self.imports.items():
            here = room_of(module)
            if here in PLANES | BASE:
                continue
            for target in targets:
                there = room_of(target)
                if there not in PLANES | BASE | {here}:
                    found[here][there].add(target)
        return found


def room_of(module: str) -> str:
    """The room of `privata.<room>.…`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def read_house(root: Path) -> House:
    """All modules below `src`, without tests and migrations."""
    house = House()
    paths = {
        ".".join(path.relative_to(root / "src").with_suffix("").parts): path
        for path in sorted((root / "src" / PACKAGE).rglob("*.py"))
        if not {"tests", "migrations"} & set(path.parts)
    }
    for module, path in paths.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        ours: set[str] = set()
        others: set[str] = set()
        for name in _imported(tree, paths):
            (ours if name.startswith(f"{PACKAGE}.") else others).add(name)
        house.imports[module], house.outside[module] = ours - {module}, others
        texts = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        house.sql[module] = {name for text in texts for name in _TABLE_IN_SQL.findall(text)}
        house.written[module] = {name for text in texts for name in _WRITTEN_IN_SQL.findall(text)}
        if module.endswith(".models"):
            for name in re.findall(r'db_table = "(\w+)"', path.read_text(encoding="utf-8")):
                house.tables[name] = room_of(module)
    return house


def _imported(tree: ast.AST, paths: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in paths else node.module


def cycles(edges: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """The groups of rooms, or of modules, that reach each other, each sorted."""
    reach: dict[str, set[str]] = {}
    for start in edges:
        seen: set[str] = set()
        ahead = list(edges.get(start, ()))
        while ahead:
            one = ahead.pop()
            if one not in seen:
                seen.add(one)
                ahead += edges.get(one, ())
        reach[start] = seen
    groups = {
        tuple(sorted({a} | {b for b in reach[a] if a in reach.get(b, ())}))
        for a in reach
        if a in reach[a]
    }
    return sorted(groups)


def breaks(root: Path) -> dict[str, set[str]]:
    """What breaks each rule, as the entries of `rooms_known.toml`."""
    house = read_house(root)
    rooms = house.rooms()
    found: dict[str, set[str]] = {rule: set() for rule in RULES}
    for group in cycles({room: set(targets) for room, targets in rooms.items()}):
        inside = {f"{here} -> {there}" for here in group for there in rooms[here] if there in group}
        found["cycle"] |= inside
    for circle in cycles(house.imports):
        found["cycle"] |= {
            f"{here} -> {there}"
            for here in circle
            for there in house.imports[here]
            if there in circle
        }
    for modules in faces(rooms).values():
        if len(modules) > MOST_FACES:
            found["face"] |= modules
    readable = views(root, house)
    for module, names in house.sql.items():
        here = room_of(module)
        if here in BASE | PLANES:
            continue
        for name in names:
            owner = house.tables.get(name)
            read = name in readable and name not in house.written[module]
            if owner is not None and owner != here and not read:
                found["table"].add(f"{module} -> {name}")
    found["table"] |= set(wrong_views(root))
    for framework, roles in FRAMEWORKS.items():
        found["framework"] |= {
            f"{module} -> {framework}" for module in _reaching(house, framework, roles)
        }
    for folder, count in _crowds(root):
        if count > MOST_MODULES:
            found["crowd"].add(folder)
    return found


def wrong_views(root: Path) -> Iterator[str]:
    """Views that are made and not documented, or documented and not made by their owner.

    A view asks for the rights of who reads through it (`security_invoker`): the application's role
    owns nothing, and by a view of the owner's it could change what it may only read.
    """
    made: dict[str, tuple[str, bool]] = {}
    for path in sorted((root / "src" / PACKAGE).glob("*/migrations/*.py")):
        for name, invoker in _VIEW_IN_MIGRATION.findall(path.read_text(encoding="utf-8")):
            made[name] = (path.parent.parent.name, bool(invoker))
    listed = tomllib.loads((root / VIEWS).read_text(encoding="utf-8"))
    for name in sorted(made.keys() | listed.keys()):
        owner, invoker = made.get(name, ("", False))
        told = listed.get(name)
        if told is None:
            yield f"view {name} of {owner} does not stand in {VIEWS}"
        elif told.get("owner") != owner or not told.get("purpose"):
            yield f"view {name}: no migration of {told.get('owner')} makes it, or it has no purpose"
        elif not invoker:
            yield f"view {name} is not made WITH (security_invoker = true)"


def views(root: Path, house: House) -> set[str]:
    """The views that every room may read; every view is put among its room's tables."""
    safe = set()
    for path in (root / "src" / PACKAGE).glob("*/migrations/*.py"):
        for name, invoker in _VIEW_IN_MIGRATION.findall(path.read_text(encoding="utf-8")):
            house.tables[name] = path.parent.parent.name
            if invoker:
                safe.add(name)
    listed = root / VIEWS
    told = tomllib.loads(listed.read_text(encoding="utf-8")) if listed.exists() else {}
    return {
        name
        for name, one in told.items()
        if house.tables.get(name) == one["owner"] and one["purpose"] and name in safe
    }


def faces(rooms: Mapping[str, Mapping[str, set[str]]]) -> dict[str, set[str]]:
    """Room -> its modules that other rooms import."""
    found: dict[str, set[str]] = defaultdict(set)
    for targets in rooms.values():
        for there, modules in targets.items():
            found[there] |= modules
    return found


def _reaching(house: House, framework: str, roles: re.Pattern[str]) -> set[str]:
    """Modules of rooms whose names have no such role and that reach the framework all the same:
    themselves, or through a module of ours that does."""
    related = {"django": ("django",), "fastapi": ("fastapi", "starlette")}[framework]
    with_role = {
        module
        for module in house.imports
        if roles.search(module.split(".", 2)[-1]) and room_of(module) not in PLANES | {"infra"}
    }
    plain = {
        module
        for module in house.imports
        if module not in with_role and room_of(module) not in PLANES | {"infra", "ui"}
    }
    reaching = {
        module
        for module in plain
        if any(name.split(".")[0] in related for name in house.outside[module])
    }
    grown = True
    while grown:
        more = {
            module for module in plain - reaching if house.imports[module] & (with_role | reaching)
        }
        reaching |= more
        grown = bool(more)
    return reaching


def _crowds(root: Path) -> Iterator[tuple[str, int]]:
    for top in ("src", "tests", "bench", "scripts"):
        counted: dict[Path, int] = defaultdict(int)
        for path in (root / top).rglob("*.py"):
            if "migrations" not in path.parts and path.name != "__init__.py":
                counted[path.parent] += 1
        for folder, count in sorted(counted.items()):
            yield str(folder.relative_to(root)), count


RULES = ("cycle", "face", "table", "framework", "crowd")


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Print what is new and what is gone; 1 if there is any."""
    found = breaks(root)
    if "--write" in arguments:
        lines = [
            f"{rule} = [\n" + "".join(f'  "{one}",\n' for one in sorted(found[rule])) + "]\n"
            for rule in RULES
        ]
        (root / KNOWN).write_text(
            "# What breaks a rule of scripts/rooms.py today. It only gets shorter.\n\n"
            + "\n".join(lines),
            encoding="utf-8",
        )
        return 0
    known = tomllib.loads((root / KNOWN).read_text(encoding="utf-8"))
    wrong = 0
    for rule in RULES:
        listed = set(known.get(rule, ()))
        for one in sorted(found[rule] - listed):
            print(f"{rule}: {one}: refused; see scripts/rooms.py")
        for one in sorted(listed - found[rule]):
            print(f"{rule}: {one}: true no more; take it out of {KNOWN}")
        wrong += len(found[rule] ^ listed)
    if "--figures" in arguments:
        _print_figures(root, found)
    return 1 if wrong else 0


def _print_figures(root: Path, found: Mapping[str, set[str]]) -> None:
    rooms = read_house(root).rooms()
    for group in cycles({room: set(targets) for room, targets in rooms.items()}):
        print(f"cycle of {len(group)}: {', '.join(group)}")
    for room, modules in sorted(faces(rooms).items()):
        print(f"{room}: {len(modules)} modules are imported from other rooms")
    print(", ".join(f"{rule} {len(found[rule])}" for rule in RULES))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
