"""Reading JSON strictly, and comparing it by what it means."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.errors import ValidationFailed
from privata.infra.http.idempotency import request_digest
from privata.infra.http.json_bodies import MAX_DEPTH, canonical, check_json

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=("Cc", "Cs"))),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=("Cc", "Cs"))), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"address":"a","amount":"1","address":"b"}', "address"),
        (b'{"address":"a","address":"a"}', "address"),
        (b'{"address":"a","\\u0061ddress":"b"}', "address"),
        (b'{"refund_preference":{"default":"x","default":"y"}}', "refund_preference.default"),
        (b'{"list":[{},{"a":1,"a":2}]}', "list.1.a"),
        (b'{"ref":"a\nb"}', "ref"),
        (b'{"ref":"a\\u0000b"}', "ref"),
        (b'{"ref":{"to":["\\ud800"]}}', "ref.to.0"),
        (b'{"a\\u0007b":1}', "a\ufffdb"),
        (b"{", "body"),
        (b"[NaN]", "body"),
        (b"\xff", "body"),
        ("{}".encode("utf-16"), "body"),
        (b"\xef\xbb\xbf{}", "body"),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), "body"),
        (b"[" * 60_000, "body"),
    ],
)
def test_what_can_be_read_in_two_ways_is_named(body: bytes, field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_json(body)
    assert [name for name, _ in refused.value.fields] == [field]


@pytest.mark.parametrize(
    "same",
    [
        (b'{"a":1,"b":[true,null]}', b' { "b" : [ true , null ] ,\n"a" : 1 } '),
        (b'{"a":"\\u00e9\\/"}', '{"a":"é/"}'.encode()),
        (b"[60,0,-0.5,123456789012345678901234567890]",
         b"[6.0e1,-0.0,-5E-1,123456789012345678901234567890.0]"),
    ],
)  # fmt: skip
def test_spellings_of_a_body_are_one(same: tuple[bytes, bytes]) -> None:
    assert canonical(same[0]) == canonical(same[1])


@pytest.mark.parametrize(
    "different",
    [
        (b'{"a":1}', b'{"a":"1"}'),
        (b'{"a":null}', b"{}"),
        (b'{"a":[1,2]}', b'{"a":[2,1]}'),
        (b"[9007199254740992]", b"[9007199254740993]"),
        (b"[1e400]", b"[2e400]"),
        (b"[0.1]", b"[0.10000000000000001]"),
        (b'["e\\u0301"]', b'["\\u00e9"]'),
        (b'{"a":{"b":1}}', b'{"a.b":1}'),
        (b"", b"{}"),
    ],
)
def test_different_bodies_stay_different(different: tuple[bytes, bytes]) -> None:
    assert canonical(different[0]) != canonical(different[1])


@given(_VALUES)
def test_any_value_has_one_form_and_keeps_its_meaning(value: Any) -> None:
    spellings = [
        json.dumps(value, indent=3, ensure_ascii=True).encode(),
        json.dumps(value, ensure_ascii=False, sort_keys=True).encode(),
    ]
    for spelling in spellings:
        check_json(spelling)
    forms = {canonical(spelling) for spelling in spellings}
    assert len(forms) == 1
    # Read with all digits: as floats, large numbers that differ would be equal, or not themselves.
    assert _exact(forms.pop()) == _exact(spellings[0])


def _exact(text: bytes) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def test_idempotency_compares_what_a_request_means() -> None:
    path, body = "/partner/v1/webhook/endpoints/AB/rotate-secret", b'{"overlap_s":60}'
    first = request_digest("POST", path, [("a", "1"), ("b", "2")], body)
    again = request_digest("POST", path.lower(), [("b", "2"), ("a", "1")], b'{"overlap_s": 6e1}')
    assert first == again
    assert first != request_digest("POST", path, [("a", "1")], body)
    assert first != request_digest("POST", f"{path}/x", [("a", "1"), ("b", "2")], body)
