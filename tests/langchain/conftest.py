"""Fixtures of the tests of LangChain's face."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.langchain.savers import Savers


@pytest.fixture
def savers(tmp_path: Path, request: pytest.FixtureRequest) -> Savers:
    """LangGraph's checkpointers."""
    return Savers(tmp_path, request)
