"""Where in a chain's input and output the messages are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from langchain_compaction.errors import AmbiguousKeys


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that a wrapper was told."""

    input: str | None = None
    output: str | None = None
    history: str | None = None

    def of_input(self, value: Any) -> str | None:
        """The key of what is asked; None when the value itself is asked. Raises `AmbiguousKeys`."""
        if not isinstance(value, Mapping):
            if self.history is not None and self.input is None:
                raise AmbiguousKeys("the input beside the history", [], "input_messages_key")
            return self.input if self.history is not None else None
        keys = [key for key in cast("Mapping[str, Any]", value) if key != self.history]
        return _one("the input", keys, self.input, "input_messages_key")

    def of_output(self, keys: Iterable[str]) -> str:
        """The key of what was answered. Raises `AmbiguousKeys`."""
        return _one("the output", list(keys), self.output, "output_messages_key")


def _one(what: str, keys: list[str], named: str | None, option: str) -> str:
    if named is None and len(keys) == 1:
        return keys[0]
    if named is None or named not in keys:
        raise AmbiguousKeys(what, keys, option)
    return named
