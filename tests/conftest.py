"""Options, profiles and fixtures for every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.data import DEFAULT_DATA

settings.register_profile(
    "fast", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("storm", max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the conversations are that do not ship with the package."""
    parser.addoption(
        "--data", metavar="DIR", default=None, help="conversations to replay (default: ../shared/data)"
    )


@pytest.fixture(scope="session")
def data_dir(request: pytest.FixtureRequest) -> Path:
    """The folder with the conversations, or a skip that says what is missing."""
    named = request.config.getoption("--data")
    folder = Path(named) if named else DEFAULT_DATA
    if not folder.is_dir():
        pytest.skip(f"no conversations at {named or '../shared/data'}: name a folder with --data DIR")
    return folder
