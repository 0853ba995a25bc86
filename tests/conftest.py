"""Options, profiles and fixtures for every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.data import DEFAULT_DATA
from tests.postgres import postgres_schema, postgres_server

__all__ = ["postgres_schema", "postgres_server"]

settings.register_profile(
    "fast", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("storm", max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the conversations are that do not ship with the package."""
    parser.addoption(
        "--data", metavar="DIR", default=None, help="conversations to replay (default: ../shared/data)"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `data_file` runs once for each conversation of the folder, or skips with a reason."""
    if "data_file" not in metafunc.fixturenames:
        return
    folder = _folder(metafunc.config)
    found = sorted(folder.rglob("*.json")) if folder.is_dir() else []
    cases = [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in found]
    missing = pytest.param(None, id="none", marks=pytest.mark.skip(reason=_missing(metafunc.config)))
    metafunc.parametrize("data_file", cases or [missing])


@pytest.fixture(scope="session")
def data_dir(request: pytest.FixtureRequest) -> Path:
    """The folder with the conversations, or a skip that says what is missing."""
    folder = _folder(request.config)
    if not folder.is_dir():
        pytest.skip(_missing(request.config))
    return folder


def _folder(config: pytest.Config) -> Path:
    named = config.getoption("--data")
    return Path(named) if named else DEFAULT_DATA


def _missing(config: pytest.Config) -> str:
    return (
        f"no conversations at {config.getoption('--data') or '../shared/data'}: name a folder with --data DIR"
    )
