"""`TransformersCounter`: a model's own tokenizer and chat template."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

from context_compaction.counting.base import MESSAGE_TOKENS, REQUEST_TOKENS, MediaPricing, TokenCounter
from context_compaction.messages import Message


class _Envelope(NamedTuple):
    """Tokens that a chat template puts around messages, and around a request besides."""

    assistant: int
    system: int
    others: int
    request: int


class TransformersCounter(TokenCounter):
    """Counts with a tokenizer of `transformers`; what its chat template adds is measured once.

    Special tokens written in a text are counted as the template would send them. ``name`` is the
    tokenizer's. Raises `TypeError` for what is no tokenizer. Thread-safe as far as the tokenizer is.
    """

    exact = True

    def __init__(self, tokenizer: Any, *, media: MediaPricing = "openai") -> None:
        if not callable(getattr(tokenizer, "encode", None)):
            raise TypeError(f"TransformersCounter takes a tokenizer, not {type(tokenizer).__name__}")
        self.tokenizer = tokenizer
        self.media = media
        where = getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__
        self.name = f"transformers/{where}"

    def text(self, text: str) -> int:
        """Tokens of plain text, without those that begin or end a sequence."""
        return len(self.tokenizer.encode(text, add_special_tokens=False, verbose=False))

    def message(self, message: Message) -> int:
        """Tokens of one message, with what the chat template puts around it."""
        envelope = self._envelope
        around = {"assistant": envelope.assistant, "system": envelope.system}.get(
            message.role, envelope.others
        )
        return super().message(message) - MESSAGE_TOKENS + around

    def messages(self, messages: Any) -> int:
        """Tokens of a whole request, with what the template puts before the answer."""
        return super().messages(messages) - REQUEST_TOKENS + self._envelope.request

    @cached_property
    def _envelope(self) -> _Envelope:
        """From what chats of two, three and four messages cost."""
        if not getattr(self.tokenizer, "chat_template", None):
            return _Envelope(MESSAGE_TOKENS, MESSAGE_TOKENS, MESSAGE_TOKENS, REQUEST_TOKENS)
        turn = [{"role": "user", "content": "word"}, {"role": "assistant", "content": "word"}]
        two, three, four = (self._templated((turn * 2)[:count]) for count in (2, 3, 4))
        word = self.text("word")
        others, assistant = three - two - word, four - three - word
        request = two - others - assistant - 2 * word
        try:
            system = self._templated([{"role": "system", "content": "word"}, *turn]) - two - word
        except Exception:  # noqa: BLE001  a template refuses the system role in whatever way it likes
            system = others
        return _Envelope(*(max(0, tokens) for tokens in (assistant, system, others, request)))

    def _templated(self, messages: list[dict[str, str]]) -> int:
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self.text(text)
