"""`Message`: a role and its blocks, frozen, with the framework's own JSON kept for the way back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

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
_BLOCKS = (TextBlock, ReasoningBlock, ToolCallBlock, ToolResultBlock, MediaBlock)


@dataclass(frozen=True, slots=True)
class Message:
    """One message. ``Message("user", "hello")`` is enough; `from_openai` reads the chat format.

    Raises `InvalidMessage` when it could never be sent: unknown role, no blocks, a tool message
    that does not answer exactly one call, tool calls outside an assistant message.
    """

    role: Role
    blocks: tuple[Block, ...]
    """A plain string is accepted and becomes one `TextBlock`."""
    id: str | None = None
    """The framework's id. Appending the same id twice stores the message once."""
    name: str | None = None
    """The speaker or, on a tool message, the tool."""
    timestamp: str | int | float | None = None
    """When it was said, as the source wrote it (ISO text, epoch seconds or milliseconds, ...)."""
    raw: str | None = None
    """The framework's own JSON text, for a loss-free way back."""
    format: str = "openai"
    """What ``raw`` is written in."""
    edited: bool = False
    """True on what a view shows in place of an original: ``raw`` then only lends its unknown keys."""

    def __post_init__(self) -> None:
        blocks: Any = self.blocks
        tidy = (TextBlock(blocks),) if isinstance(blocks, str) else tuple(blocks)
        object.__setattr__(self, "blocks", tidy)
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
        return next((block for block in self.blocks if isinstance(block, ToolResultBlock)), None)

    @property
    def is_system(self) -> bool:
        """Whether the role is system or developer."""
        return self.role in ("system", "developer")

    def with_blocks(self, blocks: Iterable[Block]) -> Message:
        """The same message showing other blocks; `to_openai` then writes those."""
        # not dataclasses.replace: this runs once for every edit that planning tries, and that is twice as slow
        return Message(
            self.role, tuple(blocks), self.id, self.name, self.timestamp, self.raw, self.format, edited=True
        )


def _validate(message: Message) -> None:
    """Raise `InvalidMessage` unless the message could be sent to a model."""
    if message.role not in ROLES:
        raise InvalidMessage(f"unknown role {message.role!r}; use one of {', '.join(ROLES)}")
    if not message.blocks:
        raise InvalidMessage(f"{message.role} message without content, tool calls, reasoning or media")
    for block in message.blocks:
        if not isinstance(block, _BLOCKS):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidMessage(f"{type(block).__name__} is no block; use TextBlock and its siblings")
    results = sum(isinstance(block, ToolResultBlock) for block in message.blocks)
    if message.role == "tool" and results != 1:
        raise InvalidMessage(f"a tool message answers exactly one call, this one has {results} results")
    if message.role != "tool" and results:
        raise InvalidMessage(f"a tool result belongs in a message of role tool, not {message.role}")
    if message.role != "assistant" and message.tool_calls:
        raise InvalidMessage(f"tool calls belong in a message of role assistant, not {message.role}")
    if message.id is not None and not isinstance(message.id, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidMessage(f"id must be a string, not {type(message.id).__name__}")
