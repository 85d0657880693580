"""One style sheet of many, one script of many modules; what cannot be put together is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from privata.ui import static_files
from privata.ui.bundles import UnknownForm, script, stylesheet
from privata.ui.static_app import Static


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_style_sheets_stand_in_their_order(tmp_path: Path) -> None:
    write(tmp_path, {"css/a.css": "b { c: d }", "css/parts/e.css": "f { g: h }"})
    made = stylesheet(tmp_path, ["css/parts/e.css", "css/a.css"]).decode()
    assert made == "/* css/parts/e.css */\nf { g: h }\n/* css/a.css */\nb { c: d }"


def test_an_address_that_would_point_elsewhere_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"css/a.css": 'b { c: url("../d") }', "css/parts/e.css": 'f { g: url("h") }'})
    assert stylesheet(tmp_path, ["css/a.css"])
    with pytest.raises(UnknownForm, match=r"css/parts/e\.css"):
        stylesheet(tmp_path, ["css/a.css", "css/parts/e.css"])


def test_what_is_imported_comes_first_and_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "js/app.js": 'import "./one.js";\nimport { two } from "./two-b.js";\ntwo();\n',
            "js/one.js": 'import {\n  two,\n  three,\n} from "./two-b.js";\nthree(two);\n',
            "js/two-b.js": "export function two() {}\nfunction three() {}\nexport { three };\n",
        },
    )
    made = script(tmp_path, "js/app.js").decode()
    assert made.startswith("// two-b.js\nconst module_two_b = (() => {\nfunction two() {}\n")
    assert made.count("module_two_b = ") == 1
    assert "return { two, three };" in made
    assert "const {\n  two,\n  three,\n} = module_two_b;" in made
    assert [made.index(f"// {name}") for name in ("two-b.js", "one.js", "app.js")] == sorted(
        made.index(f"// {name}") for name in ("two-b.js", "one.js", "app.js")
    )
    assert "import" not in made


@pytest.mark.parametrize(
    "line",
    [
        "export default 1;",
        "export const one = 1;",
        'export * from "./two.js";',
        'import one from "./two.js";',
        'import { one as two } from "./two.js";',
        'import { one } from "../two.js";',
        "export { one as two };",
        'import { one } from "somewhere";',
    ],
)
def test_other_forms_are_refused(tmp_path: Path, line: str) -> None:
    write(tmp_path, {"js/app.js": f"{line}\n", "js/two.js": ""})
    with pytest.raises(UnknownForm, match=r"app\.js"):
        script(tmp_path, "js/app.js")


def test_a_circle_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"js/app.js": 'import "./b.js";\n', "js/b.js": 'import "./app.js";\n'})
    with pytest.raises(UnknownForm, match="imports itself"):
        script(tmp_path, "js/app.js")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Static())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as made:
        yield made


@pytest.mark.parametrize("name", static_files.bundles())
async def test_bundles_are_served_small_and_for_ever(name: str, client: httpx.AsyncClient) -> None:
    address = static_files.static_url(name)
    whole = await client.get(address, headers={"Accept-Encoding": "identity"})
    small = await client.get(address, headers={"Accept-Encoding": "br, gzip"})
    for answer in (whole, small):
        assert answer.status_code == 200
        assert answer.content == static_files.bundles()[name]
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"].startswith("text/")
    assert "content-encoding" not in whole.headers
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < len(whole.content) / 2


async def test_other_files_and_methods_are_as_before(client: httpx.AsyncClient) -> None:
    found = await client.get(static_files.static_url("css/base.css"))
    missing = await client.get(static_files.static_prefix() + "css/missing.css")
    posted = await client.post(static_files.static_url(static_files.SCRIPT))
    assert (found.status_code, missing.status_code, posted.status_code) == (200, 404, 405)
