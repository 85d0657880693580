"""Hooks: what a room is given from above is there, once, or its use fails loudly."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from privata.core.hooks import Hook
from privata.wiring import wire


def test_an_empty_hook_raises_when_it_is_needed() -> None:
    """A consequence that nobody registered is never left out silently."""
    hook: Hook[str] = Hook("a part")
    with pytest.raises(RuntimeError, match="Nothing fills the hook 'a part'"):
        _ = hook.value


def test_a_hook_is_filled_once() -> None:
    hook: Hook[str] = Hook("a part")
    hook.fill("this")
    hook.fill("this")
    assert hook.value == "this"
    with pytest.raises(RuntimeError, match="filled already"):
        hook.fill("that")


def test_putting_the_rooms_together_twice_is_no_error() -> None:
    wire()
    wire()


SOURCE = Path(__file__).resolve().parent.parent / "src" / "privata"
ARCHITECTURE = SOURCE.parent.parent / "docs" / "architecture.md"


def _hooks() -> Iterator[str]:
    """Module and name of each hook."""
    for path in SOURCE.rglob("*.py"):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            made = node.value if isinstance(node, ast.AnnAssign) else None
            if (
                isinstance(made, ast.Call)
                and isinstance(made.func, ast.Name)
                and made.func.id == "Hook"
                and isinstance(node, ast.AnnAssign)
            ):
                yield f"{module}.{ast.unparse(node.target)}"


def test_every_hook_is_filled_where_the_documents_say() -> None:
    """They said that `wire` fills them all. It does not fill those of pages, and one that the
    refunds filled stood in no table."""
    rows = re.findall(
        r"^\| `([\w.]+\.[A-Z_]+)` \| `([\w.]+)` \| (`[\w.]+`(?:, `[\w.]+`)*) \|",
        ARCHITECTURE.read_text(),
        re.MULTILINE,
    )
    assert sorted(hook for hook, _, _ in rows) == sorted(_hooks())
    for hook, by, filled_with in rows:
        source = (SOURCE / by.replace(".", "/")).with_suffix(".py").read_text()
        assert len(re.findall(rf"\b{hook.rpartition('.')[2]}\.fill\(", source)) == 1, hook
        for one in re.findall(r"`([\w.]+)`", filled_with):
            assert f"from privata.{one} import" in source, hook
