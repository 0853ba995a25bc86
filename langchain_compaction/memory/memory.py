"""`ConversationCompactionMemory`: in place of LangChain's buffer and summary memories."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from langchain_core.messages import BaseMessage
from langchain_core.runnables import run_in_executor
from pydantic import ConfigDict, Field, InstanceOf, PrivateAttr

from context_compaction import (
    Archive,
    Budget,
    Message,
    Policy,
    SearchHit,
    Session,
    StaleView,
    open_archive,
    past_context,
)
from context_compaction.faces import drafters_of
from langchain_compaction.counting import counter_of
from langchain_compaction.memory.following import Followed
from langchain_compaction.memory.keys import input_key, output_key, question
from langchain_compaction.memory.shown import Showing
from langchain_compaction.messages import read_all
from langchain_compaction.post_turn import after_turn
from langchain_compaction.sessions import Sessions
from langchain_compaction.values import input_messages, output_messages

if TYPE_CHECKING:
    from langchain_core.chat_history import BaseChatMessageHistory

T = TypeVar("T")


class ConversationCompactionMemory(Showing):
    """A chain's memory: what it shows fits ``max_token_limit``, and what was said stays in the archive.

        memory = ConversationCompactionMemory(llm=model, archive="chat.db", session_id="ada")
        chain = ConversationChain(llm=model, memory=memory)

    A turn is durable when `save_context` returns, and a summary that fails never fails one. Messages given
    as input or output stay what they are, tool calls included. The asynchronous twins run in a worker
    thread. ``chat_memory=`` is a chat history kept elsewhere: read when the memory is made, followed from
    then on, and written to. What is changed or removed there makes the session go on as a branch; nothing
    is deleted by it.

    Raises `ArchiveError`, `InvalidPolicy`, `InvalidBudget`, and pydantic's error for what is no option.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", hide_input_in_errors=True)

    llm: Any = Field(default=None, frozen=True)
    """A LangChain model that writes the summaries; behind ``drafter``, if that is given, too."""
    max_token_limit: int = Field(default=2000, frozen=True)
    """What is shown stays under so many tokens."""
    input_key: str | None = None
    """Which input was said; None: the only one that is no memory and not ``stop``."""
    output_key: str | None = None
    """Which output was answered; None: the only one, or ``output``."""
    archive: Any = Field(default=":memory:", frozen=True)
    """A path, ``":memory:"`` or an `Archive`, which then stays yours to close."""
    session_id: str = Field(default="default", frozen=True)
    namespace: str = Field(default="default", frozen=True)
    policy: InstanceOf[Policy] | None = Field(default=None, frozen=True)
    """How to compact; None: `Policy.layered()`."""
    drafter: Any = Field(default=None, frozen=True)
    """Who writes summaries: a drafter, a function, a LangChain model, or several of them."""
    counter: Any = Field(default=None, frozen=True)
    """What counts tokens: a name, a function of text or messages, a model; None: the engine's default."""
    post_turn: Literal["inline", "background"] = Field(default="inline", frozen=True)
    """Whether getting ahead of the next turn is waited for."""
    observers: Any = Field(default=(), frozen=True)
    """Who is told of each compaction before (and may veto a SOFT one) and after."""
    is_pinned: Callable[[Message], bool] | None = Field(default=None, frozen=True)
    """Messages that stay word for word."""
    redactor: Callable[[str], str] | None = Field(default=None, frozen=True)
    """What every text goes through before a drafter reads it, and every summary; the archive is as it was."""
    embedder: Any = Field(default=None, frozen=True)
    """LangChain ``Embeddings``, say, by which recall weighs meaning beside words; None: words alone."""
    _sessions: Sessions = PrivateAttr()
    _followed: Followed | None = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default_factory=threading.RLock)
    """Between following a history and writing to it, no other thread may follow it."""

    def __init__(self, *, chat_memory: Any = None, **options: Any) -> None:
        super().__init__(**options)
        if chat_memory is not None:
            self._followed = Followed(chat_memory)
        budget = Budget(context_window=self.max_token_limit, reserve_tokens=0)
        self._sessions = Sessions(
            open_archive(self.archive),
            budget,
            namespace=self.namespace,
            policy=self.policy,
            drafter=drafters_of(self.drafter, self.llm),
            counter=counter_of(self.counter, takes="text"),
            post_turn=self.post_turn,
            observers=self.observers,
            is_pinned=self.is_pinned,
            redactor=self.redactor,
            embedder=self.embedder,
        )
        try:
            self._with_session(lambda _: None)
        except BaseException:
            self.close()
            raise

    @classmethod
    def from_messages(
        cls,
        messages: Iterable[BaseMessage] = (),
        *,
        summarize_step: int = 2,  # noqa: ARG003 - LangChain's; summaries here are not made step by step
        **options: Any,
    ) -> Self:
        """A memory of a conversation that began elsewhere. A session that has these messages stays as it is.

        With ``llm=`` and ``chat_memory=`` alone it is called as LangChain's summary memory is.
        """
        read = read_all(messages)
        memory = cls(**options)
        if read:
            memory.session.sync(read)
        return memory

    # -- a chain's turn --------------------------------------------------------------------------------

    def save_context(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        """Keep a turn; durable on return, all or nothing.

        Raises `AmbiguousKeys`, `MissingKey`, `NotMessages`, `InvalidMessage`, `ArchiveError`: nothing was
        kept. Raises what ``chat_memory`` raises: the turn is kept, and written there with the next one.
        """
        said = input_key(inputs, self.input_key, self.memory_variables)
        answered = output_key(outputs, self.output_key)
        turn = [
            *input_messages(inputs[said], f"the input {said!r}"),
            *output_messages(outputs[answered], f"the output {answered!r}"),
        ]
        read = read_all(turn)
        with self._lock:
            self._with_session(lambda session: session.append(read))
            if self._followed is not None:
                self._followed.write(turn)
        after_turn(self.session)

    def clear(self) -> None:
        """Erase the session; sessions forked from it keep what they share. The memory can be used on."""
        with self._lock:
            self._sessions.forget(self.session_id)
            if self._followed is not None:
                self._followed.clear()

    def _shown(self, inputs: Mapping[str, Any] | None = None) -> list[Message]:
        asked = question(inputs, self.input_key, self.memory_variables) if inputs else ""

        def shown(session: Session) -> list[Message]:
            context = past_context(session)
            block = session.recall_for(asked) if asked else None
            return [*context, block] if block else context

        return self._with_session(shown)

    # -- by hand ---------------------------------------------------------------------------------------

    @property
    def moving_summary_buffer(self) -> str:
        """The summaries that are shown, as text; empty while there are none."""
        return self._with_session(_summaries)

    def prune(self) -> None:
        """Compact now if more was said than may be shown. What leaves stays in the archive."""
        self._with_session(_compact_if_over)

    async def aprune(self) -> None:
        """`prune` in a worker thread."""
        await run_in_executor(None, self.prune)

    def recall(self, query: str, k: int = 8) -> list[SearchHit]:
        """Search everything that was said and summarised; best first."""
        return self._with_session(lambda session: session.recall(query, k))

    async def arecall(self, query: str, k: int = 8) -> list[SearchHit]:
        """`recall` in a worker thread."""
        return await run_in_executor(None, self.recall, query, k)

    def as_retriever(self, search_kwargs: Mapping[str, Any] | None = None) -> Any:
        """An `ArchiveRetriever` over this session; ``search_kwargs={"k": 4}`` are its options."""
        from langchain_compaction.retriever import ArchiveRetriever

        return ArchiveRetriever(session=self.session, **(search_kwargs or {}))

    @property
    def chat_memory(self) -> BaseChatMessageHistory:
        """The history that is followed; without one, a view on the session, to read and to write."""
        if self._followed is not None:
            return self._followed.history
        from langchain_compaction.history import CompactionChatMessageHistory

        return CompactionChatMessageHistory.from_session(self._with_session(lambda session: session))

    @property
    def session(self) -> Session:
        """The engine's session: ``session.history()`` is everything that was said."""
        return self._sessions.get(self.session_id)

    def _repr_html_(self) -> str | None:
        """For notebooks: the session behind it. Closed, it is shown as text."""
        return self._sessions.html(self.session_id)

    def close(self) -> None:
        """Close the session, and the archive if it was opened here."""
        self._sessions.close()
        if not isinstance(self.archive, Archive):
            self._sessions.archive.close()

    # -- inside ----------------------------------------------------------------------------------------

    def _with_session(self, run: Callable[[Session], T]) -> T:
        """Run this on the session, with what others added to the history that it follows.

        Where another memory erased the session meanwhile, this goes on with a new one.
        """
        with self._lock:
            try:
                return run(self._up_to_date())
            except StaleView:
                self._sessions.close()
                return run(self._up_to_date())

    def _up_to_date(self) -> Session:
        session = self.session
        if self._followed is not None:
            self._followed.take_up(session)
        return session


def _summaries(session: Session) -> str:
    known = session.summaries
    return "\n\n".join(known[number].text for number in session.view.summaries)


def _compact_if_over(session: Session) -> None:
    stats = session.stats
    if stats.tokens_seen > stats.input_tokens:
        session.compact()
