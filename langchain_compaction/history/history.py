"""`CompactionChatMessageHistory`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, get_buffer_string

from context_compaction import Budget, Message, Policy, Session
from langchain_compaction.counting import CounterLike, counter_of
from langchain_compaction.drafting import drafter_of
from langchain_compaction.history.base import HistoryBase
from langchain_compaction.history.turns import Turns
from langchain_compaction.messages import read_all, write_all
from langchain_compaction.post_turn import aafter_turn, after_turn
from langchain_compaction.sessions import ArchiveLike
from langchain_compaction.values import input_messages


class CompactionChatMessageHistory(HistoryBase):
    """A chat message history whose `messages` fit the budget; the originals are `archived_messages`.

        chain = RunnableWithMessageHistory(
            prompt | model,
            lambda session_id: CompactionChatMessageHistory(session_id, archive, max_tokens=4000),
            input_messages_key="question",
            history_messages_key="history",
        )

    There it may be one object for all runs or a new one for each. In either way each message is stored
    once, also when the history was compacted or grew while the model answered: a copy of `messages` (the
    list's own ``copy()``) has ids, and what comes back is told by them. Ids made up for that are not stored.
    """

    def __init__(
        self,
        session_id: str = "default",
        archive: ArchiveLike = ":memory:",
        *,
        namespace: str = "default",
        max_tokens: int = 2000,
        budget: Budget | None = None,
        policy: Policy | None = None,
        drafter: Any = None,
        counter: CounterLike = None,
        post_turn: Literal["inline", "background"] = "inline",
        observers: Iterable[Any] = (),
        is_pinned: Callable[[Message], bool] | None = None,
        redactor: Callable[[str], str] | None = None,
        embedder: Any = None,
    ) -> None:
        """``max_tokens``: what `messages` may hold; ``budget`` says more, and takes its place.

        ``drafter``: also a LangChain model. ``counter``: also one of LangChain's. ``post_turn``,
        ``observers``, ``is_pinned``, ``redactor`` and ``embedder`` (LangChain ``Embeddings``, say): as for a
        `Session`. An `Archive` stays yours to close. Raises `ArchiveError`, `InvalidBudget`.
        """
        self._begin(
            Session(
                archive,
                session_id,
                namespace,
                budget=budget or Budget(max_tokens, reserve_tokens=0),
                policy=policy,
                drafter=drafter_of(drafter),
                counter=counter_of(counter),
                post_turn=post_turn,
                observers=observers,
                is_pinned=is_pinned,
                redactor=redactor,
                embedder=embedder,
            )
        )

    @classmethod
    def from_session(cls, session: Session) -> Self:
        """The history of a session that is open already, and stays yours to close."""
        history = cls.__new__(cls)
        history._begin(session)  # noqa: SLF001 - the other constructor
        return history

    def _begin(self, session: Session) -> None:
        self._session = session
        self._turns = Turns()

    @property
    def session(self) -> Session:
        """The session behind it: search, pins, branches, events."""
        return self._session

    # -- reading ---------------------------------------------------------------------------------------

    @property
    def messages(self) -> list[BaseMessage]:  # pyright: ignore[reportIncompatibleVariableOverride] - upstream allows a property
        """The compacted context. Raises `CannotCompact` when what must stay does not fit the budget."""
        return self._handed(self._session.context())

    async def aget_messages(self) -> list[BaseMessage]:
        """`messages` on the running event loop."""
        return self._handed(await self._session.acontext())

    @property
    def archived_messages(self) -> list[BaseMessage]:
        """Every message ever added, in order, equal to what it was."""
        return write_all(self._session.history())

    def _repr_html_(self) -> str:
        """For notebooks: the session behind it."""
        return self._session._repr_html_()  # pyright: ignore[reportPrivateUsage] - IPython's protocol

    def __str__(self) -> str:
        return get_buffer_string(self.messages)

    # -- adding ----------------------------------------------------------------------------------------

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Store what is new of these; durable on return, all or none.

        After an answer the session compacts ahead of the next turn, which never fails the adding.
        Raises `NotMessages`, `InvalidMessage`, `DuplicateMessage`, `ArchiveError`.
        """
        new = self._new(messages)
        self._session.append(read_all(new))
        if _ends_a_turn(new):
            after_turn(self._session)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """`add_messages` on the running event loop."""
        new = self._new(messages)
        await self._session.aappend(read_all(new))
        if _ends_a_turn(new):
            await aafter_turn(self._session)

    def add_message(self, message: BaseMessage) -> None:
        """`add_messages` with one."""
        self.add_messages([message])

    def add_user_message(self, message: HumanMessage | str) -> None:
        """Add what the user said."""
        self.add_message(HumanMessage(message) if isinstance(message, str) else message)

    def add_ai_message(self, message: AIMessage | str) -> None:
        """Add what the model answered."""
        self.add_message(AIMessage(message) if isinstance(message, str) else message)

    # -- end -------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Erase the session from its archive; the history then goes on, empty.

        Sessions forked from it keep what they share.
        """
        session = self._session
        session.archive.forget(session.session_id, session.namespace, forks="detach")
        self._turns.clear()

    async def aclear(self) -> None:
        """`clear` in a worker thread."""
        await asyncio.to_thread(self.clear)

    def close(self) -> None:
        """Close the session, and the archive if it was opened from a path."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _handed(self, context: Sequence[Message]) -> list[BaseMessage]:
        return self._turns.handed(write_all(context))

    def _new(self, messages: Sequence[BaseMessage]) -> list[BaseMessage]:
        return self._turns.new_of(input_messages(list(messages)))


def _ends_a_turn(messages: Sequence[BaseMessage]) -> bool:
    return bool(messages) and isinstance(messages[-1], AIMessage)
