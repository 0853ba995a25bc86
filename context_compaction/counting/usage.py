"""`Usage`: what a provider says a request and its answer cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

# Per dialect: the input keys that add up, then the output key. The first whose first key is there wins;
# a dialect with cache keys of its own reports input without them.
_DIALECTS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("prompt_tokens",), ("completion_tokens",)),
    (("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"), ("output_tokens",)),
    (("input", "cacheRead", "cacheWrite"), ("output",)),
    (("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"), ("outputTokens",)),
    (("prompt_token_count",), ("candidates_token_count", "thoughts_token_count")),
)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request as the provider counted them. Raises `ValueError` when negative."""

    input_tokens: int
    """The whole prompt, cache reads and writes included."""
    output_tokens: int = 0
    """The answer, reasoning included."""

    def __post_init__(self) -> None:
        if self.input_tokens < 0 or self.output_tokens < 0:
            raise ValueError(f"usage cannot be negative: {self.input_tokens} in, {self.output_tokens} out")

    @property
    def total_tokens(self) -> int:
        """Prompt and answer."""
        return self.input_tokens + self.output_tokens

    @classmethod
    def from_any(cls, usage: Usage | Mapping[str, Any] | object) -> Usage:
        """Read a report of OpenAI, Anthropic, Bedrock, Gemini, LangChain, or ``{input, output, cacheRead}``.

        It may be a mapping or an object with such attributes. Raises `ValueError` when it is none of these.
        """
        if isinstance(usage, Usage):
            return usage
        for inputs, outputs in _DIALECTS:
            if _number(usage, inputs[0]) is not None:
                return cls(_sum(usage, inputs), _sum(usage, outputs))
        raise ValueError(f"no token usage known in this {type(usage).__name__}; pass Usage(input, output)")


def _sum(usage: object, keys: tuple[str, ...]) -> int:
    return sum(_number(usage, key) or 0 for key in keys)


def _number(usage: object, key: str) -> int | None:
    if isinstance(usage, Mapping):
        value = cast("Mapping[str, Any]", usage).get(key)
    else:
        value = getattr(usage, key, None)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) < math.inf:
        return None
    return int(value)
