"""`Session`: one conversation, kept inside a budget, with nothing lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self, TypeVar

from context_compaction.archive import Archive, open_archive
from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter, Usage
from context_compaction.drafting import DrafterChain, DrafterLike
from context_compaction.errors import InvalidPolicy
from context_compaction.events import CompactionEvent
from context_compaction.messages import Message, MessageList, Shown
from context_compaction.planner import Steps, adrive, drive
from context_compaction.planner.stateless import listed
from context_compaction.policy import Policy
from context_compaction.recall import Embedding
from context_compaction.render import RenderOptions
from context_compaction.session.core import SessionCore
from context_compaction.session.flight import flight_of
from context_compaction.session.observers import ObserverLike
from context_compaction.session.reporting import Reporting
from context_compaction.session.settings import POST_TURN_DEADLINE, PRE_TURN_DEADLINE, Settings
from context_compaction.session.staging import MessageLike
from context_compaction.session.state import SessionState
from context_compaction.session.sync import SyncResult
from context_compaction.text.embedding import EmbedderLike
from context_compaction.tools import ToolRules

T = TypeVar("T")


class Session(Reporting):
    """One conversation. Append what is said, ask for the `context` before each model call.

        with Session("chat.db", session_id="s1", budget=Budget(context_window=8192)) as session:
            session.append([{"role": "user", "content": "hello"}])
            messages = session.context()      # fits the budget, or CannotCompact is raised
            session.append([answer])
            session.after_turn()              # gets ahead of the next turn

    Safe to use from threads and event-loop tasks: one operation runs at a time.
    """

    def __init__(
        self,
        archive: str | os.PathLike[str] | Archive = ":memory:",
        session_id: str = "default",
        namespace: str = "default",
        *,
        budget: Budget,
        policy: Policy | None = None,
        drafter: DrafterLike = None,
        counter: TokenCounter | Callable[[str], int] | str | None = None,
        post_turn: Literal["inline", "background"] = "inline",
        observers: Iterable[ObserverLike] = (),
        is_pinned: Callable[[Message], bool] | None = None,
        tools: ToolRules | None = None,
        recall_hint: bool = False,
        redactor: Callable[[str], str] | None = None,
        embedder: EmbedderLike | None = None,
    ) -> None:
        """Open or begin the session ``session_id`` of ``namespace`` in ``archive``.

        ``archive``: a path, ``":memory:"`` or an `Archive` (which then stays yours to close).
        ``is_pinned``: messages that stay word for word. ``recall_hint``: tell the model of a recall tool.
        ``redactor``: what every text goes through before a drafter reads it, and every summary before it is
        stored (`redact_secrets`, say); the archive, and what is shown unsummarised, keep the originals.
        ``embedder``: recall weighs meaning too, by LangChain ``Embeddings``, a LlamaIndex ``BaseEmbedding``
        or a function from texts to vectors (`Embedder.of`). Vectors are made in the background and kept in
        the archive; where they are missing, or the embedder fails, recall goes on by words.
        Raises `ArchiveError` and `InvalidPolicy`.
        """
        if post_turn not in ("inline", "background"):
            raise InvalidPolicy(f"post_turn is {post_turn!r}; use 'inline' or 'background'")
        counting = TokenCounter.of(counter)
        settings = Settings(
            session_id=session_id,
            namespace=namespace,
            budget=budget,
            policy=policy or Policy.layered(),
            counter=counting,
            chain=DrafterChain.of(drafter, counting),
            background=post_turn == "background",
            observers=tuple(observers),
            is_pinned=is_pinned,
            tools=tools or ToolRules(),
            options=RenderOptions(recall_hint=recall_hint),
            redact=redactor,
            embedding=None if embedder is None else Embedding.of(embedder),
        )
        self._begin(open_archive(archive), settings, owns=not isinstance(archive, Archive))

    @classmethod
    def _of(cls, archive: Archive, settings: Settings) -> Session:
        session = cls.__new__(cls)
        cls._begin(session, archive, settings, owns=False)
        return session

    def _begin(self, archive: Archive, settings: Settings, *, owns: bool) -> None:
        self._archive = archive
        self._owns_archive = owns
        self._flight = flight_of(archive, settings.namespace, settings.session_id)
        self._core = SessionCore(SessionState(archive, settings))
        self._closed = False
        self._core.embed()

    # -- a turn ----------------------------------------------------------------------------------------

    def append(self, messages: Sequence[MessageLike] | MessageLike) -> None:
        """Add messages to the log; durable on return, all or none.

        The same id with equal content is stored once. Raises `InvalidMessage`, `DuplicateMessage`.
        """
        self._run(self._core.append(messages))

    async def aappend(self, messages: Sequence[MessageLike] | MessageLike) -> None:
        """`append` on the running event loop."""
        await self._arun(self._core.append(messages))

    def context(
        self, overhead: int | None = None, context_management: Sequence[Mapping[str, Any]] | None = None
    ) -> MessageList:
        """Pre-turn: the messages to send now, inside the budget. The same list until something is appended.

        What left the view and the newest user message asks about stands before it (`Policy.recall_share`).

        ``overhead``: tokens of this request that are not in the log, in place of the budget's.
        ``context_management``: ``[{"type": "compaction", "compact_threshold": n}]`` as providers take it.
        Raises `CannotCompact`, with the itemised floor, when what must stay does not fit.
        """
        return self.shown(overhead, context_management).listed()

    async def acontext(
        self, overhead: int | None = None, context_management: Sequence[Mapping[str, Any]] | None = None
    ) -> MessageList:
        """`context` on the running event loop."""
        return (await self.ashown(overhead, context_management)).listed()

    def shown(
        self, overhead: int | None = None, context_management: Sequence[Mapping[str, Any]] | None = None
    ) -> Shown:
        """`context` without a copy, for who only reads it."""
        return self._run(self._core.context(overhead, context_management))

    async def ashown(
        self, overhead: int | None = None, context_management: Sequence[Mapping[str, Any]] | None = None
    ) -> Shown:
        """`shown` on the running event loop."""
        return await self._arun(self._core.context(overhead, context_management))

    def after_turn(
        self, usage: Usage | Mapping[str, Any] | None = None, overhead: int | None = None
    ) -> CompactionEvent | None:
        """Post-turn: compact ahead of the next turn; what fails here never fails a turn.

        ``usage``: what the provider reported for the last context; calibrates the count.
        ``overhead``: tokens of the next request that are not in the log, in place of the budget's.
        Returns the attempt's event, None when there was none or it goes on in the background.
        """
        return self._run(self._core.after_turn(usage, overhead), POST_TURN_DEADLINE)

    async def aafter_turn(
        self, usage: Usage | Mapping[str, Any] | None = None, overhead: int | None = None
    ) -> CompactionEvent | None:
        """`after_turn` on the running event loop."""
        return await self._arun(self._core.after_turn(usage, overhead), POST_TURN_DEADLINE)

    def compact(self, focus: str | None = None) -> CompactionEvent:
        """Compact by hand: the post-turn ladder now. ``focus``: what the summary must keep above all."""
        return self._run(self._core.compact(focus), POST_TURN_DEADLINE)

    async def acompact(self, focus: str | None = None) -> CompactionEvent:
        """`compact` on the running event loop."""
        return await self._arun(self._core.compact(focus), POST_TURN_DEADLINE)

    def preview(self) -> CompactionEvent:
        """The event that `compact` would give. Nothing is committed."""
        return self._run(self._core.preview(), POST_TURN_DEADLINE)

    # -- the whole list at once ------------------------------------------------------------------------

    def sync(
        self, messages: Sequence[MessageLike], deep: bool = False, *, trimmed: bool = True
    ) -> SyncResult:
        """Make the log equal this list: what is new is appended, where it differs the log forks.

        For callers that keep a list of their own. A list trimmed at its beginning is no difference, nor are
        our own rendered messages in it, nor a changed system prompt (it replaces the old one in the view).
        An edited, regenerated or removed message is: the log goes on as a branch that shares what was
        before it, and nothing is deleted. Messages are compared by id; the last 8, and those without id, by
        what they say (``deep``: all). ``trimmed=False``: the list is all there is, and what is missing at
        its beginning, system messages too, was removed. Raises `InvalidMessage` and `DuplicateMessage`.
        """
        return self._run(self._core.sync(listed(messages), deep=deep, trimmed=trimmed))

    async def async_(
        self, messages: Sequence[MessageLike], deep: bool = False, *, trimmed: bool = True
    ) -> SyncResult:
        """`sync` on the running event loop."""
        return await self._arun(self._core.sync(listed(messages), deep=deep, trimmed=trimmed))

    def fork(self, at: int | str, session_id: str | None = None) -> Session:
        """Branch off behind message ``at`` (``5`` or ``"m:5"``; 0: from the start).

        The session goes on with the new branch, and the old one stays (`branches`, `switch`). With
        ``session_id`` the branch becomes a session of its own in the same namespace, and this one stays as
        it is. Returns the session that is on the new branch. Raises `UnknownReference`, `SessionExists`.
        """
        seq, settings = self._place(at), self._state.settings
        if session_id is not None:
            settings = replace(settings, session_id=session_id)
        self._run(self._core.fork(seq, session_id))
        return self if session_id is None else self._of(self._archive, settings)

    def switch(self, branch: int) -> None:
        """Go on with another one of the session's `branches`, by its id. Raises `UnknownReference`."""
        self._run(self._core.switch(self._known(branch)))

    # -- the session itself ----------------------------------------------------------------------------

    @property
    def archive(self) -> Archive:
        """Where it is kept. The session closes it only if it opened it from a path."""
        return self._archive

    @property
    def session_id(self) -> str:
        """Its name within its `namespace`."""
        return self._state.settings.session_id

    @property
    def namespace(self) -> str:
        """What its name is unique in."""
        return self._state.settings.namespace

    # -- end -------------------------------------------------------------------------------------------

    def drain(self, timeout: float = PRE_TURN_DEADLINE) -> None:
        """Wait up to ``timeout`` seconds for a background compaction and commit it, else cancel it.

        Then as long for the vectors of what was said; what has none by then gets it later.
        """
        self._run(self._core.ahead.use(wait=timeout))
        self._core.embed(wait=timeout)

    def close(self) -> None:
        """Commit a background compaction that is finished, cancel one that is not. Closing twice is fine."""
        with self._flight.hold():
            self._end()

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self._core.after_fork()
            drive(self._core.ahead.use(), self._state.settings.chain.starter(PRE_TURN_DEADLINE))
        finally:
            self._core.ahead.drop()
            if self._owns_archive and self._state.settings.embedding is not None:
                self._state.settings.embedding.leave(self._archive)
            if self._owns_archive:
                self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        async with self._flight.ahold():
            self._end()

    # -- driving ---------------------------------------------------------------------------------------

    def _run(self, steps: Steps[T], deadline: float = PRE_TURN_DEADLINE) -> T:
        with self._flight.hold():
            self._core.after_fork()
            try:
                return drive(steps, self._state.settings.chain.starter(deadline))
            finally:
                self._core.embed()

    async def _arun(self, steps: Steps[T], deadline: float = PRE_TURN_DEADLINE) -> T:
        async with self._flight.ahold():
            self._core.after_fork()
            try:
                return await adrive(steps, self._state.settings.chain.starter(deadline))
            finally:
                self._core.embed()
