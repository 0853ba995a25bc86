"""LlamaIndex's own `Memory`, with its connections closed in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from llama_index.core.memory import Memory


@pytest.fixture
async def stock() -> AsyncIterator[Callable[..., Memory]]:
    made: list[Memory] = []

    def make(**options: Any) -> Memory:
        made.append(Memory.from_defaults(**options))
        return made[-1]

    yield make
    for memory in made:
        engine = memory.sql_store._async_engine  # type: ignore[attr-defined]
        if engine is not None:
            await engine.dispose()
