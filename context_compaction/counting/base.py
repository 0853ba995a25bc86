"""`TokenCounter`: how many tokens a message costs, whoever does the counting."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from context_compaction.messages import (
    MediaBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
)

MediaPricing = Literal["openai", "anthropic", "gemini"] | int
MESSAGE_TOKENS = 4
"""Envelope of a message: role and delimiters."""
CALL_TOKENS = 16
"""Envelope of one tool call beyond its name and arguments; providers differ, about 10 to 50."""
RESULT_TOKENS = 6
"""Envelope of one tool result beyond its text."""
REQUEST_TOKENS = 3
"""What a request costs beyond its messages: the opening of the answer."""


class TokenCounter(ABC):
    """Counts the tokens of text and messages. Give `text`; the envelopes are the same for all.

    ``counter.name`` says what counts; ``exact`` whether it is a real tokenizer.
    """

    name: str = "counter"
    exact: bool = False
    media: MediaPricing = "openai"
    same_name_same_counts: bool = True
    """Whether counts stored under this name can be used again; not for a function that anybody can pass."""

    @abstractmethod
    def text(self, text: str) -> int:
        """Tokens of plain text."""

    def message(self, message: Message) -> int:
        """Tokens of one message as it is sent: envelope, name, all its blocks.

        Call ids are not charged: a tokenizer makes 20 tokens of one, but reported usage shows none of them.
        """
        envelope, texts = self.parts(message)
        return envelope + sum(map(self.text, texts))

    def each(self, messages: Sequence[Message]) -> Iterable[int]:
        """`message` of each, in order. Where that is faster, many are counted together in the background."""
        return map(self.message, messages)

    def parts(self, message: Message) -> tuple[int, list[str]]:
        """What a message is counted by: tokens of its envelopes and media, and its texts."""
        tokens, texts = MESSAGE_TOKENS, list[str]()
        if message.name and message.role != "tool":
            tokens += 1
            texts.append(message.name)
        for block in message.blocks:
            if isinstance(block, (TextBlock, ReasoningBlock)):
                texts.append(block.text)
            elif isinstance(block, ToolCallBlock):
                tokens += CALL_TOKENS
                texts += (block.name, block.arguments)
            elif isinstance(block, MediaBlock):
                tokens += self.media_tokens(block)
            else:
                tokens += RESULT_TOKENS
                texts.append(block.content)
        return tokens, texts

    def messages(self, messages: Iterable[Message]) -> int:
        """Tokens of a whole request."""
        return REQUEST_TOKENS + sum(map(self.message, messages))

    def media_tokens(self, block: MediaBlock) -> int:
        """Tokens of an image, sound, video or file by ``self.media``'s price list. No I/O."""
        from context_compaction.counting.media import media_tokens

        return media_tokens(block, self.media)

    @staticmethod
    def of(counter: TokenCounter | Callable[[str], int] | str | None) -> TokenCounter:
        """Whatever was passed as ``counter=``: a counter, a function of text, an encoding name, None."""
        from context_compaction.counting.choose import choose_counter

        return choose_counter(counter)
