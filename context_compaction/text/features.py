"""What is worth knowing about a message without reading it again: computed once, at append."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from context_compaction.messages import Message, ReasoningBlock

MAX_PATHS = 5
_ERRORS = ("error", "failed", "failure", "exception", "panic", "traceback")
_THINKING = ("<think>", "<thinking>")
_RUN = re.compile(r"[\w.~/-]+")
_FILE = re.compile(r"(?<![\w./-])[\w-]{1,80}\.(?:py|ts|js|go|rs|md|json|toml|ya?ml)\b")
_PATH = re.compile(rf"(?:[\w.~-]{{1,80}}/){{1,20}}[\w.-]{{1,80}}\.\w{{1,5}}\b|{_FILE.pattern}")


@dataclass(frozen=True, slots=True)
class Features:
    """Facts about a message's text that rungs and placeholders use."""

    lines: int
    chars: int
    digest: str
    """16 hex digits of the text's SHA-256: equal for equal outputs."""
    errors: bool
    """Whether it is marked as an error or reads like one."""
    paths: tuple[str, ...] = ()
    """The first file paths in it, each once, at most 5."""
    thinks: bool = False
    """Whether there is reasoning to strip: a block, or ``<think>`` in the text."""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "lines": self.lines,
            "chars": self.chars,
            "digest": self.digest,
            "errors": self.errors,
            "paths": self.paths,
            "thinks": self.thinks,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Features:
        """The features that `to_json` wrote."""
        fields: dict[str, Any] = {**data, "paths": tuple(data["paths"])}
        return cls(**fields)


def features_of(message: Message) -> Features:
    """Look at a message once. Linear in its text."""
    text, result = message.text, message.tool_result
    lower = text.lower()  # plain searches in this are ten times as fast as one that ignores case
    return Features(
        lines=text.count("\n") + 1 if text else 0,
        chars=len(text),
        digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        errors=(result is not None and result.is_error) or any(map(lower.__contains__, _ERRORS)),
        paths=_paths(text) if result is not None else (),
        thinks=message.role == "assistant"
        and (
            any(isinstance(block, ReasoningBlock) for block in message.blocks)
            or any(map(lower.__contains__, _THINKING))
        ),
    )


def _paths(text: str) -> tuple[str, ...]:
    # No path crosses the end of a run of its characters, and most runs are words: those cost no search.
    found: dict[str, None] = {}
    for run in _RUN.findall(text):
        if "." in run:
            found |= dict.fromkeys((_PATH if "/" in run else _FILE).findall(run))
            if len(found) >= MAX_PATHS:
                break
    return tuple(found)[:MAX_PATHS]
