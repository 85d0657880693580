"""The long run's option, and a harness in which to break things."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest

from conftest import Cluster, environment_for
from privata.infra.context import AppContext
from privata.infra.settings import Settings

from .harness import OPTIONS, Harness

T = TypeVar("T")

#: Seconds a single test may take, in the long run and in every run: longer than what it waits for
#: one after the other, so that the wait which fails says what it waited for.
LONG_TIMEOUT_S = 3600
SHORT_TIMEOUT_S = 900


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--faults",
        choices=("short", "long"),
        default="short",
        help="how long the fault tests go on: short (in every run) or long (make faults)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.fault)
            seconds = LONG_TIMEOUT_S if is_long(config) else SHORT_TIMEOUT_S
            item.add_marker(pytest.mark.timeout(seconds))


def is_long(config: pytest.Config) -> bool:
    return bool(config.getoption("--faults", default="short") == "long")


class Scale:
    """Chooses between the numbers of the short and of the long run."""

    def __init__(self, *, long: bool) -> None:
        self.long = long

    def __call__(self, short: T, long: T) -> T:
        return long if self.long else short


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> Scale:
    return Scale(long=is_long(request.config))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update=OPTIONS)


@pytest.fixture
async def harness(
    ctx: AppContext, cluster: Cluster, database_name: str, tmp_path: Path
) -> AsyncIterator[Harness]:
    # One home for this process and its workers: the seals of the one are opened by the others.
    env = environment_for(
        ctx.settings.home,
        cluster.app(database_name),
        cluster.owner(database_name),
        **{f"PRIVATA_{name.upper()}": str(value) for name, value in OPTIONS.items()},
    )
    with ExitStack() as stack:
        made = Harness(ctx, env, tmp_path / "journal", stack)
        await made.open()
        yield made
