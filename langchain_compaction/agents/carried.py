"""What a request carries beside its messages, in tokens: system prompt, tool schemas, an answer's schema."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from langchain_core.messages import SystemMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from context_compaction import TokenCounter
from langchain_compaction.messages import from_langchain

TOOL_TOKENS = 12
"""Envelope of one tool beyond its schema; providers differ."""

TOOLS = 1024
"""So many tools are remembered."""


class Carried:
    """Counts it; tools that were seen are not written out again."""

    def __init__(self, counter: TokenCounter) -> None:
        self._counter = counter
        self._tools: dict[int, tuple[Any, int]] = {}
        """By identity, with the tool itself, so that the identity stays taken."""

    def tokens(
        self,
        system_message: SystemMessage | None,
        tools: Iterable[BaseTool | dict[str, Any]],
        response_format: Any = None,
    ) -> int:
        """Tokens of a request that are in no message of it."""
        total = sum(map(self._tool, tools)) + self._answer(response_format)
        if system_message is not None:
            total += self._counter.message(from_langchain(system_message))
        return total

    def _tool(self, tool: BaseTool | dict[str, Any]) -> int:
        if isinstance(tool, dict):  # a provider's own: it may be another one each time
            return self._schema(tool)
        found = self._tools.get(id(tool))
        if found is None:
            if len(self._tools) >= TOOLS:  # made anew for each request, it seems
                self._tools.clear()
            found = self._tools[id(tool)] = (tool, self._schema(convert_to_openai_tool(tool)))
        return found[1]

    def _answer(self, response_format: Any) -> int:
        """The schemas that the answer is to be one of."""
        specs: Any = getattr(response_format, "schema_specs", None) or [
            getattr(response_format, "schema_spec", None)
        ]
        schemas = (getattr(spec, "json_schema", None) for spec in cast("list[Any]", specs))
        return sum(self._schema(schema) for schema in schemas if schema)

    def _schema(self, schema: Any) -> int:
        return TOOL_TOKENS + self._counter.text(json.dumps(schema, default=repr))
