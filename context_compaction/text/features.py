"""What is worth knowing about a message without reading it again: computed once, at append."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import Any

from context_compaction.messages import Message, ReasoningBlock

MAX_PATHS = 5
_ERROR = re.compile(r"error|fail(?:ed|ure)|exception|panic|traceback", re.IGNORECASE)
_PATH = re.compile(r"(?:[\w.~-]{1,80}/){1,20}[\w.-]{1,80}\.\w{1,5}\b|(?<![\w./-])[\w-]{1,80}\.(?:py|ts|js|go|rs|md|json|toml|ya?ml)\b")
_THINK = re.compile(r"<think(?:ing)?>", re.IGNORECASE)


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
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Features:
        """The features that `to_json` wrote."""
        return cls(**{**data, "paths": tuple(data["paths"])})


def features_of(message: Message) -> Features:
    """Look at a message once. Linear in its text."""
    text, result = message.text, message.tool_result
    return Features(
        lines=text.count("\n") + 1 if text else 0,
        chars=len(text),
        digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        errors=(result is not None and result.is_error) or bool(_ERROR.search(text)),
        paths=tuple(dict.fromkeys(match.group() for match in _PATH.finditer(text)))[:MAX_PATHS]
        if result is not None
        else (),
        thinks=message.role == "assistant"
        and (any(isinstance(block, ReasoningBlock) for block in message.blocks) or bool(_THINK.search(text))),
    )
