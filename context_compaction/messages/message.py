"""`Message`: a role and its blocks, frozen, with the framework's own JSON kept for the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from context_compaction.displayed import Displayed
from context_compaction.errors import InvalidMessage
from context_compaction.messages.blocks import (
    Block,
    MediaBlock,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)

Role = Literal["system", "developer", "user", "assistant", "tool"]
ROLES: tuple[str, ...] = get_args(Role)
CONTEXT_ID = "ctx_"
RECALLED_ID = "rec_"
_BLOCKS = (TextBlock, ReasoningBlock, ToolCallBlock, ToolResultBlock, MediaBlock)


@dataclass(frozen=True, slots=True, init=False)
class Message(Displayed):
    """One message. ``Message("user", "hello")`` is enough; `from_openai` reads the chat format.

    Raises `InvalidMessage` when it could never be sent: unknown role, no blocks, a tool message
    that does not answer exactly one call, tool calls outside an assistant message.
    """

    role: Role
    blocks: tuple[Block, ...]
    id: str | None = None
    """The framework's id. Appending the same id twice stores the message once."""
    name: str | None = None
    """The speaker or, on a tool message, the tool."""
    timestamp: str | float | None = None
    """When it was said, as the source wrote it (ISO text, epoch seconds or milliseconds, ...)."""
    raw: str | None = None
    """The framework's own JSON text, for a loss-free way back."""
    format: str = "openai"
    """What ``raw`` is written in."""
    edited: bool = False
    """True on what a view shows in place of an original: ``raw`` then only lends its unknown keys."""

    def __init__(
        self,
        role: Role,
        blocks: str | Iterable[Block],
        *,
        id: str | None = None,  # noqa: A002 - the field names of the chat format
        name: str | None = None,
        timestamp: str | float | None = None,
        raw: str | None = None,
        format: str = "openai",  # noqa: A002 - says what raw is written in
        edited: bool = False,
    ) -> None:
        """``blocks`` may be a plain string, which becomes one `TextBlock`."""
        put = object.__setattr__
        put(self, "role", role)
        put(self, "blocks", (TextBlock(blocks),) if isinstance(blocks, str) else tuple(blocks))
        put(self, "id", id)
        put(self, "name", name)
        put(self, "timestamp", timestamp)
        put(self, "raw", raw)
        put(self, "format", format)
        put(self, "edited", edited)
        _validate(self)

    @classmethod
    def from_openai(cls, data: Mapping[str, Any]) -> Message:
        """Read one message of OpenAI's chat format; every key is kept. Raises `InvalidMessage`."""
        from context_compaction.messages.openai import read_openai

        return read_openai(data)

    def to_openai(self) -> dict[str, Any]:
        """Write OpenAI's chat format; equal to what `from_openai` read."""
        from context_compaction.messages.openai import write_openai

        return write_openai(self)

    @property
    def text(self) -> str:
        """All that a person would read: text and tool output, blocks parted by newlines."""
        parts = [
            block.text if isinstance(block, TextBlock) else block.content
            for block in self.blocks
            if isinstance(block, (TextBlock, ToolResultBlock))
        ]
        return "\n".join(parts)

    @property
    def tool_calls(self) -> tuple[ToolCallBlock, ...]:
        """The calls of an assistant message, in order."""
        return tuple(block for block in self.blocks if isinstance(block, ToolCallBlock))

    @property
    def tool_result(self) -> ToolResultBlock | None:
        """The result that a tool message carries; None on any other."""
        if self.role == "tool":
            for block in self.blocks:
                if isinstance(block, ToolResultBlock):
                    return block
        return None

    @property
    def is_context(self) -> bool:
        """Whether it is the engine's own context message, by the id that only its text gives."""
        return self.id is not None and self.id.startswith(CONTEXT_ID) and self.id == context_id(self.text)

    @property
    def is_recalled(self) -> bool:
        """Whether it is the engine's own recalled block (earlier messages, word for word), by its id."""
        return self.id is not None and self.id.startswith(RECALLED_ID) and self.id == recalled_id(self.text)

    @property
    def is_system(self) -> bool:
        """Whether the role is system or developer."""
        return self.role in ("system", "developer")

    def with_blocks(self, blocks: Iterable[Block]) -> Message:
        """The same message showing other blocks; `to_openai` then writes those."""
        # Not dataclasses.replace: this runs for every edit that planning tries, and that is twice as slow.
        return Message(
            self.role,
            blocks,
            id=self.id,
            name=self.name,
            timestamp=self.timestamp,
            raw=self.raw,
            format=self.format,
            edited=True,
        )


def context_id(text: str) -> str:
    """The id of the context message that says this: deterministic, so that it is known when it comes back."""
    return CONTEXT_ID + _digest(text)


def recalled_id(text: str) -> str:
    """The id of the recalled block that says this."""
    return RECALLED_ID + _digest(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _validate(message: Message) -> None:
    """Raise `InvalidMessage` unless the message could be sent to a model."""
    if message.role not in ROLES:
        raise InvalidMessage(f"unknown role {message.role!r}; use one of {', '.join(ROLES)}")
    if not message.blocks:
        raise InvalidMessage(f"{message.role} message without content, tool calls, reasoning or media")
    results = 0
    for block in message.blocks:
        if not isinstance(block, _BLOCKS):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidMessage(f"{type(block).__name__} is no block; use TextBlock and its siblings")
        results += isinstance(block, ToolResultBlock)
    if message.role == "tool" and results != 1:
        raise InvalidMessage(f"a tool message answers exactly one call, this one has {results} results")
    if message.role != "tool" and results:
        raise InvalidMessage(f"a tool result belongs in a message of role tool, not {message.role}")
    if message.role != "assistant" and message.tool_calls:
        raise InvalidMessage(f"tool calls belong in a message of role assistant, not {message.role}")
    if not isinstance(message.id, (str, type(None))):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidMessage(f"id must be a string, not {type(message.id).__name__}")


def quotable(message: Message) -> str:
    """What a quote or a pin says of a message: its text, and each tool call as ``name(arguments)``."""
    calls = (f"{call.name}({call.arguments})" for call in message.tool_calls)
    return "\n".join(part for part in (message.text, *calls) if part)
