"""No cell of an export is a formula, in whatever form the sign before it comes."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.infra.csv_cells import cell

_BEFORE = st.text(" \t\r\n\x0b\x0c\xa0\u2003\u200b\u200e\u2060\ufeff\u3000", max_size=3)
_SIGNS = st.sampled_from("=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u2212")


@given(_BEFORE, _SIGNS, st.text(max_size=20))
def test_a_formula_in_any_form_gets_an_apostrophe(before: str, sign: str, rest: str) -> None:
    text = f"{before}{sign}{rest}"
    assert cell(text) == f"'{text}"


@given(st.text(max_size=40))
def test_what_a_spreadsheet_sees_first_is_no_sign_and_no_text_is_lost(text: str) -> None:
    shown = cell(text)
    assert shown in (text, f"'{text}")
    seen = unicodedata.normalize("NFKC", shown).strip()
    assert not seen.startswith(("=", "+", "-", "@"))
    assert not shown.startswith(("\t", "\r", "\n"))


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_cells_survive_the_file(texts: list[str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerow([cell(text) for text in texts])
    (row,) = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert row == [cell(text) for text in texts]


@pytest.mark.parametrize("text", ["order-1", "0x5a", "a=b", " plain", "'quoted", "5%", "é", ""])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


def test_nothing_is_an_empty_cell() -> None:
    assert cell(None) == ""
