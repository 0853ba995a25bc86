"""Ways to hold a conversation in a budget, others' and plain ones, each told it message by message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from benchmarks import Skipped
from benchmarks._evidence import Asked
from context_compaction import DraftRequest, ExtractiveDrafter, Message, TokenCounter
from context_compaction.drafting import Passage

TRIGGER, TARGET, SUMMARY = 0.85, 0.5, 0.15
"""Of the budget, as our default preset has them."""
HEAD = 0.2
"""Of the budget: the conversation's first messages, where there is a head."""
_TURN = re.compile(r"(?:^|\n\n)(system|user|assistant|tool): ")


@dataclass(frozen=True, slots=True)
class Told:
    """A conversation that was told, and the size of its messages."""

    said: Sequence[Message]
    questions: Sequence[Asked]
    tokens: Sequence[int]
    counter: TokenCounter
    sizes: dict[str, int]
    """Tokens by what a message says."""

    @classmethod
    def of(cls, said: Sequence[Message], questions: Sequence[Asked], counter: TokenCounter) -> Told:
        tokens = [counter.message(message) for message in said]
        sizes = {message.text: size for message, size in zip(said, tokens, strict=True)}
        return cls(said, questions, tokens, counter, sizes)

    def turns_over(self, limit: int) -> int:
        """Turns before which more than so many tokens had been said."""
        said = zip(accumulate(self.tokens), self.said, strict=True)
        return sum(tokens > limit for tokens, message in said if message.role == "user")

    @property
    def longest_question(self) -> int:
        """In tokens: what is kept free for it."""
        return max(self.size(asked.text) for asked in self.questions)

    def size(self, text: str) -> int:
        """Tokens of a message that says this, counted once."""
        if text not in self.sizes:
            self.sizes[text] = self.counter.message(Message("user", text))
        return self.sizes[text]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a conversation when all has been told."""

    texts: Sequence[str]
    """What the messages say."""
    rewrites: int
    """Turns whose request did not begin with the one before."""


Keeper = Callable[[Told, int], Kept]
"""What is kept in so many tokens."""


def keepers() -> Mapping[str, Keeper]:
    """All of them, by name; without those whose package is not installed."""
    return {
        "trim_messages": trimmed,
        "head + tail": head_and_tail,
        "SummarizationMiddleware": summarized_by_middleware,
        "ChatSummaryMemoryBuffer": summarized_by_buffer,
    }


def head_and_tail(told: Told, limit: int) -> Kept:
    """The first messages that fit a fifth, and the newest that fit the rest."""
    head, room = _fitting(told.tokens, int(HEAD * limit)), limit
    room -= sum(told.tokens[:head])
    tail = min(len(told.said) - head, _fitting(told.tokens[::-1], room))
    kept = (*told.said[:head], *told.said[len(told.said) - tail :])
    return Kept([message.text for message in kept], told.turns_over(limit))


def trimmed(told: Told, limit: int) -> Kept:
    """LangChain's `trim_messages`, the newest messages that fit."""
    messages = _LangChain(told)
    from langchain_core.messages import trim_messages

    kept = trim_messages(messages.all, max_tokens=limit, token_counter=messages.count, strategy="last")
    return Kept([str(message.text) for message in kept], told.turns_over(limit))


def summarized_by_middleware(told: Told, limit: int) -> Kept:
    """LangChain's SummarizationMiddleware before every answer, with our trigger and target."""
    messages = _LangChain(told)
    from langchain.agents.middleware import SummarizationMiddleware
    from langchain_core.language_models import FakeListChatModel

    def summarizer(past: Sequence[Any]) -> str:
        return written([(_role(each), str(each.text)) for each in past], int(SUMMARY * limit), told.counter)

    middleware: Any = SummarizationMiddleware(
        FakeListChatModel(responses=[""]),
        trigger=("tokens", int(TRIGGER * limit)),
        keep=("tokens", int((TARGET - SUMMARY) * limit)),
        token_counter=messages.count,
        trim_tokens_to_summarize=None,
        summarizer=summarizer,
    )
    state, rewrites = list[Any](), 0
    for message in messages.all:
        state.append(message)
        if message.type == "human" and (update := middleware.before_model({"messages": state}, None)):
            state, rewrites = update["messages"][1:], rewrites + 1  # the first message says: remove all
    return Kept([str(message.text) for message in state], rewrites)


def summarized_by_buffer(told: Told, limit: int) -> Kept:
    """LlamaIndex's ChatSummaryMemoryBuffer, asked for its messages before every answer."""
    try:
        from llama_index.core.base.llms.types import ChatMessage, ChatResponse
        from llama_index.core.llms import MockLLM
        from llama_index.core.memory import ChatSummaryMemoryBuffer
    except ImportError:
        raise Skipped("llama-index-core is not installed") from None
    room, summaries = int(SUMMARY * limit), list[str]()

    class Writer(MockLLM):
        def chat(self, messages: Any, **_: Any) -> ChatResponse:
            summaries.append(written(_transcript(messages[-1].content), room, told.counter))
            return ChatResponse(message=ChatMessage(role="assistant", content=summaries[-1]))

    def tokenizer(text: str) -> Any:
        return range(told.size(text))

    memory = ChatSummaryMemoryBuffer.from_defaults(
        llm=Writer(max_tokens=None), token_limit=limit - room, tokenizer_fn=tokenizer
    )
    for message in told.said:
        memory.put(ChatMessage(role=message.role, content=message.text))
        if message.role == "user":
            memory.get()
    return Kept([message.content or "" for message in memory.get()], len(summaries))


def written(past: Iterable[tuple[str, str]], max_tokens: int, counter: TokenCounter) -> str:
    """What our extractive drafter writes of these roles and texts."""
    passages = tuple(Passage(f"m:{place}", role, text) for place, (role, text) in enumerate(past, 1))
    return ExtractiveDrafter(counter).write(DraftRequest("summary", passages, max_tokens))


class _LangChain:
    """A conversation in LangChain's messages; each is counted once, by our counter."""

    def __init__(self, told: Told) -> None:
        try:
            import langchain.agents.middleware  # noqa: F401 - an extra
        except ImportError:
            raise Skipped("langchain is not installed") from None
        from langchain_core.messages import convert_to_messages

        self._told = told
        plain = [
            {"role": message.role, "content": message.text, "id": f"i{place}"}
            for place, message in enumerate(told.said)
        ]
        self.all: list[Any] = convert_to_messages(plain)  # pyright: ignore[reportArgumentType]

    def count(self, messages: Any) -> int:
        return sum(self._told.size(str(each.text)) for each in messages)


def _role(message: Any) -> str:
    summary = message.additional_kwargs.get("lc_source") == "summarization"
    return "summary" if summary else "user" if message.type == "human" else "assistant"


def _transcript(text: str) -> list[tuple[str, str]]:
    """Roles and texts of what that buffer asks to be summarised; its own summaries are of the system."""
    _, *parts = _TURN.split(text.removeprefix('"Transcript so far: ').removesuffix('"\n\n'))
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return [("summary" if role == "system" else role, said.strip()) for role, said in pairs]


def _fitting(tokens: Sequence[int], room: int) -> int:
    """How many of these, from the first on."""
    for place, each in enumerate(tokens):
        room -= each
        if room < 0:
            return place
    return len(tokens)
