"""One value, many spellings: what a request costs is decided on what its route reads."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import Partner

_PAIR = "from=BTC&to=ETH&amount=0.1"

#: All of these are `GET /estimate` with `include=all`.
SAME = (
    f"/estimate?{_PAIR}&include=all",
    f"/estimate?{_PAIR}&include=%61ll",
    f"/estimate?{_PAIR}&include=%61%6c%6C",
    f"/estimate?{_PAIR}&%69nclude=all",
    f"/estimate?include=al%6c&{_PAIR}",
    f"/estimate?&&{_PAIR}&include=%61ll&&",
    f"/%65stimate?{_PAIR}&include=%61ll",
    f"/%65stim%61te?{_PAIR}&include=all",
)

#: Every place has its own offers bucket of this many calls.
OFFERS_LIMIT = 10


def _limit(answer: httpx.Response) -> int:
    return int(answer.headers["x-ratelimit-limit"])


@pytest.mark.parametrize("spelling", SAME)
async def test_equivalent_spellings_cost_the_same(partner: Partner, spelling: str) -> None:
    answer = await partner.client.get(spelling, headers={"X-API-Key": partner.test_key})
    assert answer.request.url.raw_path.decode().endswith(spelling), "sent as it is written here"
    assert (answer.status_code, len(answer.json()["offers"])) == (200, 1), answer.text
    assert _limit(answer) == OFFERS_LIMIT


async def test_spellings_share_one_bucket(partner: Partner) -> None:
    """Eleven calls, each spelt differently, are one more than the bucket holds."""
    headers = {"X-API-Key": partner.test_key}
    calls = [*SAME, *(f"/estimate?{_PAIR}&include=all" + "&" * n for n in range(1, 4))]
    codes = [(await partner.client.get(one, headers=headers)).status_code for one in calls]
    assert codes == [200] * OFFERS_LIMIT + [429]


@pytest.mark.parametrize("ending", ["%0a", "%0A"])
@pytest.mark.parametrize("path", ["/estimate", "/currencies", "/health", "/me"])
async def test_a_line_break_after_a_path_is_another_path(
    partner: Partner, path: str, ending: str
) -> None:
    """Starlette's own patterns let one follow, and what compares paths did not know the call."""
    url = f"{path}{ending}?{_PAIR}&include=all"
    answer = await partner.client.get(url, headers={"X-API-Key": partner.test_key})
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("spelling", ["include=ALL", "include=all%20", "include=", "exclude=all"])
async def test_what_is_not_include_all_costs_a_read(partner: Partner, spelling: str) -> None:
    answer = await partner.client.get(
        f"/estimate?{_PAIR}&{spelling}", headers={"X-API-Key": partner.test_key}
    )
    assert answer.status_code == 422
    assert _limit(answer) > OFFERS_LIMIT
