"""The walls between rooms: a small house, one forbidden thing of each kind, and each is refused."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "rooms.py"

#: A house that keeps every rule: two rooms, one above the other.
HOUSE = {
    "orders/models.py": 'class Order:\n    class Meta:\n        db_table = "orders"\n',
    "orders/service.py": "from privata.core import money\n",
    "orders/views.py": "import django\nfrom privata.orders import service\n",
    "orders/api.py": "import fastapi\nfrom privata.orders import service\n",
    "refunds/models.py": 'class Refund:\n    class Meta:\n        db_table = "refund"\n',
    "refunds/service.py": 'from privata.orders import service\nSQL = "SELECT 1 FROM refund"\n',
    "core/money.py": "",
}


@pytest.fixture
def rooms() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rooms", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["rooms"] = module
    spec.loader.exec_module(module)
    return module


def _build(root: Path, **more: str) -> Path:
    for name, text in {**HOUSE, **more}.items():
        path = root / "src" / "privata" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "scripts").mkdir(exist_ok=True)
    for name in ("rooms_known.toml", "rooms_views.toml"):
        (root / "scripts" / name).write_text("", encoding="utf-8")
    return root


def test_a_house_that_keeps_the_rules_passes(rooms: ModuleType, tmp_path: Path) -> None:
    assert rooms.main([], _build(tmp_path)) == 0


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("orders/store.py", "from privata.refunds import service\n", "cycle: orders -> refunds"),
        ("refunds/store.py", 'SQL = "UPDATE orders SET a"\n', "table: privata.refunds.store"),
        ("refunds/store.py", 'SQL = "SELECT 1 FROM x JOIN orders"\n', "-> orders: refused"),
        ("refunds/rules.py", "import django.db\n", "framework: privata.refunds.rules -> django"),
        ("refunds/rules.py", "def late():\n    import starlette\n", "rules -> fastapi"),
        ("refunds/rules.py", "from privata.orders import views\n", "rules -> django"),
        ("orders/api.py", "from privata.orders import views\n", "privata.orders.api -> django"),
        ("orders/views.py", "from privata.orders.api import x\n", "orders.views -> fastapi"),
    ],
)
def test_a_forbidden_import_of_each_kind_is_refused(
    rooms: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str,
    said: str,
) -> None:
    assert rooms.main([], _build(tmp_path, **{name: text})) == 1
    assert said in capsys.readouterr().out


_MADE = """MADE = "CREATE VIEW order_facts WITH (security_invoker = true) AS SELECT 1"
"""

#: A view that its room's migration makes and that is on the list.
FACTS = {
    "orders/migrations/0002_facts.py": _MADE,
    "refunds/store.py": 'SQL = "SELECT 1 FROM order_facts"\n',
}
LISTED = 'order_facts = { owner = "orders", purpose = "reading" }\n'


def _list_views(root: Path, text: str) -> Path:
    (root / "scripts" / "rooms_views.toml").write_text(text, encoding="utf-8")
    return root


def test_a_view_on_the_list_is_read_by_every_room(rooms: ModuleType, tmp_path: Path) -> None:
    assert rooms.main([], _list_views(_build(tmp_path, **FACTS), LISTED)) == 0


@pytest.mark.parametrize(
    ("more", "listed", "said"),
    [
        (FACTS, "", "table: privata.refunds.store -> order_facts: refused"),
        (
            FACTS | {"refunds/store.py": 'SQL = "UPDATE order_facts SET a"\n'},
            LISTED,
            "table: privata.refunds.store -> order_facts: refused",
        ),
    ],
    ids=[
        "not on the list",
        "written through",
    ],
)
def test_a_view_is_read_as_the_list_says(
    rooms: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: dict[str, str],
    listed: str,
    said: str,
) -> None:
    assert rooms.main([], _list_views(_build(tmp_path, **more), listed)) == 1
    assert said in capsys.readouterr().out


def test_modules_import_each_other_in_no_circle(
    rooms: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = {
        "refunds/store.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n"
        "    from privata.refunds.rules import x\n",
        "refunds/rules.py": "from privata.refunds.store import y\n",
    }
    assert rooms.main([], _build(tmp_path, **pair)) == 1
    assert "cycle: privata.refunds.rules -> privata.refunds.store" in capsys.readouterr().out


def test_a_room_has_a_short_face(
    rooms: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["a", "b", "c", "d"]
    wide = {f"orders/{name}.py": "" for name in names}
    wide["refunds/service.py"] = f"from privata.orders import {', '.join(names)}\n"
    assert rooms.main([], _build(tmp_path, **wide)) == 1
    assert "face: privata.orders.a: refused" in capsys.readouterr().out


def test_a_folder_is_not_crowded(
    rooms: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = {f"orders/m{number}.py": "" for number in range(rooms.MOST_MODULES)}
    assert rooms.main([], _build(tmp_path, **many)) == 1
    assert "crowd: src/privata/orders: refused" in capsys.readouterr().out


#: A migration of orders that makes a view, and the line that documents it.
VIEW = 'SQL = "CREATE VIEW shared_order WITH (security_invoker = true) AS SELECT id FROM orders"\n'
DOCUMENTED = 'shared_order = { owner = "orders", purpose = "refunds read it" }\n'


def _with_view(root: Path, made: str, documented: str) -> Path:
    reader = 'SQL = "SELECT 1 FROM shared_order"\n'
    _build(root, **{"orders/migrations/0002_view.py": made, "refunds/store.py": reader})
    (root / "scripts" / "rooms_views.toml").write_text(documented, encoding="utf-8")
    return root


def test_a_documented_view_of_another_room_may_be_read(rooms: ModuleType, tmp_path: Path) -> None:
    assert rooms.main([], _with_view(tmp_path, VIEW, DOCUMENTED)) == 0


@pytest.mark.parametrize(
    ("made", "documented", "said"),
    [
        (VIEW, "", "view shared_order of orders does not stand in"),
        ("", DOCUMENTED, "no migration of orders makes it"),
        (VIEW, DOCUMENTED.replace('"orders"', '"refunds"'), "no migration of refunds makes it"),
        (VIEW, DOCUMENTED.replace("refunds read it", ""), "or it has no purpose"),
        (
            VIEW.replace("WITH (security_invoker = true) ", ""),
            DOCUMENTED,
            "is not made WITH (security_invoker = true)",
        ),
    ],
)
def test_a_view_is_made_and_documented_by_its_owner(
    rooms: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    made: str,
    documented: str,
    said: str,
) -> None:
    """A statement of another room on what is no documented view is refused."""
    assert rooms.main([], _with_view(tmp_path, made, documented)) == 1
    assert said in capsys.readouterr().out


def test_what_is_known_passes_and_goes_when_it_is_true_no_more(
    rooms: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list only gets shorter."""
    store = tmp_path / "src" / "privata" / "refunds" / "store.py"
    _build(tmp_path, **{"refunds/store.py": 'SQL = "UPDATE orders SET a"\n'})
    known = tmp_path / "scripts" / "rooms_known.toml"
    known.write_text('table = ["privata.refunds.store -> orders"]\n', encoding="utf-8")
    assert rooms.main([], tmp_path) == 0
    store.write_text("", encoding="utf-8")
    assert rooms.main([], tmp_path) == 1
    assert "true no more" in capsys.readouterr().out
