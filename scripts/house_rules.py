"""Rules of the house that no library checks: sizes, templates, words that do not belong.

Each rule has one line in CONTRIBUTING.md. Prints every break as `path:line: rule` and exits 1.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

SIZED = {".py", ".js", ".css", ".html"}
EXEMPT = ("/migrations/", "/vendor/")

INLINE = re.compile(
    r"""\sstyle=|\son[a-z]+=["']|hx-on|["']js:|hx-trigger="[^"]*\[|<style|<script(?![^>]*\ssrc=)"""
)

#: Packages whose private parts are ours.
OURS = frozenset({"privata", "tests", "bench", "conftest"})
HOSTS = re.compile(r"files\.pythonhosted|pypi\.org|registry\.npmjs")


def tracked() -> list[Path]:
    """Every file of the project that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def too_long(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Files over 400 lines, functions over 60."""
    lines = text.count("\n")
    if lines > MAX_FILE_LINES:
        yield 1, f"{lines} lines; a file has at most {MAX_FILE_LINES}"
    if path.suffix != ".py":
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {length} lines, at most {MAX_FUNCTION_LINES}"


def inline_code(text: str) -> Iterator[tuple[int, str]]:
    """Constructs that the content security policy forbids."""
    for number, line in enumerate(text.splitlines(), 1):
        if INLINE.search(line):
            yield number, "inline style or script; the policy of the pages forbids it"


def registry_hosts(text: str) -> Iterator[tuple[int, str]]:
    """Download addresses: locks carry hashes only."""
    for number, line in enumerate(text.splitlines(), 1):
        if HOSTS.search(line):
            yield number, "names a registry's host"


def private_parts(text: str) -> Iterator[tuple[int, str]]:
    """Imports of what another distribution does not promise to keep: a module or a name that begins
    with an underscore, and a module called `internal`."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            top, *inner = name.split(".")
            parts = inner if top == "__future__" else [top, *inner]
            if top not in OURS and any(part[0] == "_" or part == "internal" for part in parts):
                yield node.lineno, f"{name} is private to {top}; use what it documents"


#: The one module that reads the machine's clock; tests and tools may too.
CLOCK = "src/privata/core/clock.py"
WALL_CLOCK = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("timezone", "now"), ("time", "time"), ("time", "time_ns"),
}  # fmt: skip


def own_clock(text: str) -> Iterator[tuple[int, str]]:
    """The time read past the clock that is handed in: no test could live through days then.

    `time.monotonic` is for durations and free. A line with `# wall clock: <why>` is let through.
    """
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else None
            owner = node.value.id if isinstance(node.value, ast.Name) else owner
            read = (owner, node.attr) in WALL_CLOCK
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").rpartition(".")[2]
            read = any((module, one.name) in WALL_CLOCK for one in node.names)
        else:
            continue
        if read and "# wall clock:" not in lines[node.lineno - 1]:
            yield node.lineno, "reads the machine's clock; use ctx.clock.now()"


#: What only measures how long something took.
STOPWATCHES = frozenset({"perf_counter", "process_time", "thread_time"})


def timed(text: str) -> Iterator[tuple[int, str]]:
    """Durations in tests: a slow machine breaks them, a quick one lets faults through.

    A deadline for waiting (`assert time.monotonic() < until`) is none.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            found = node.attr.removesuffix("_ns") in STOPWATCHES
        elif isinstance(node, ast.ImportFrom):
            found = any(one.name.removesuffix("_ns") in STOPWATCHES for one in node.names)
        elif isinstance(node, ast.Assert):
            found = any(
                isinstance(part, ast.BinOp)
                and isinstance(part.op, ast.Sub)
                and "monotonic" in ast.unparse(part.left)
                for part in ast.walk(node.test)
            )
        else:
            continue
        if found:
            yield node.lineno, "asserts a duration; count the work, and measure in make bench"


#: What reads or writes rows by the ORM.
ORM = frozenset({"objects", "_default_manager", "_base_manager"})
ORM_SHORTCUTS = frozenset({"get_object_or_404", "get_list_or_404"})
#: The modules that may (docs/architecture.md, Reading): the person who signs in is an object of
#: Django's. Migrations and tests are free.
ORM_MODULES = frozenset({"src/privata/accounts/models.py", "src/privata/accounts/views/people.py"})


def orm_reads(text: str) -> Iterator[tuple[int, str]]:
    """Rows that a page reads past its room's `reading`: a second query for the same question."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            found = node.attr in ORM
        elif isinstance(node, ast.ImportFrom):
            found = any(one.name in ORM_SHORTCUTS for one in node.names)
        else:
            continue
        if found:
            yield node.lineno, "reads rows with the ORM; ask the room's reading"


def main() -> int:
    """Check every tracked file; the number of breaks decides the exit code."""
    breaks = 0
    for path in tracked():
        name = str(path.relative_to(ROOT))
        if path.suffix not in SIZED | {".txt", ".toml", ".md", ".json", ".in"}:
            continue
        text = path.read_text(encoding="utf-8")
        found: list[tuple[int, str]] = []
        if path.suffix in SIZED and not any(part in f"/{name}" for part in EXEMPT):
            found += too_long(path, text)
        if path.suffix == ".py":
            found += private_parts(text)
        if name.startswith("src/") and path.suffix == ".py" and "/tests/" not in name:
            found += own_clock(text) if name != CLOCK else ()
            if name not in ORM_MODULES and "/migrations/" not in name:
                found += orm_reads(text)
        if path.suffix == ".py" and (name.startswith("tests/") or "/tests/" in name):
            found += timed(text)
        if "/templates/" in name:
            found += inline_code(text)
        if path != Path(__file__).resolve():
            found += registry_hosts(text)
        for line, rule in found:
            print(f"{name}:{line}: {rule}")
        breaks += len(found)
    return 1 if breaks else 0


if __name__ == "__main__":
    sys.exit(main())
