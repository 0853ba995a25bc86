"""`CompactionMemory`: in place of LlamaIndex's Memory, ChatMemoryBuffer and ChatSummaryMemoryBuffer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self
from uuid import uuid4
from weakref import WeakValueDictionary

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import PrivateAttr

from context_compaction import Policy, append_unknown
from llamaindex_compaction.instrumentation import dispatcher
from llamaindex_compaction.memory.asking import Edits
from llamaindex_compaction.memory.opened import DEFAULT_TOKEN_LIMIT, OpenMemory
from llamaindex_compaction.messages import read_all, write_all
from llamaindex_compaction.post_turn import aafter_turn, after_turn, ends_turn
from llamaindex_compaction.sessions import ArchiveLike

LLM_SHARE = 0.75
"""Of an LLM's window, as ChatMemoryBuffer takes it: the rest is for prompt, tools and answer."""
_LIVE: WeakValueDictionary[str, Any] = WeakValueDictionary()
"""Memories that are open in this process, by what `CompactionMemory.to_dict` calls them."""


class CompactionMemory(OpenMemory):
    """A memory whose `get` fits ``token_limit``, and which keeps all that was said in an archive.

        memory = CompactionMemory.from_defaults(session_id="ada", llm=llm, archive="chat.db")
        agent = FunctionAgent(tools=tools, llm=llm)
        await agent.run("hello", memory=memory)

    A message is durable when `put` returns. `get` gives copies, the same ones until something is put, and
    compacts first where need be; after an answer the memory gets ahead of the next turn, which never fails
    this one. What has left stands in one user-role message at the beginning. Safe to use from threads and
    event loops at once.

    Raises `ArchiveError`, `InvalidPolicy`, `InvalidBudget`, and pydantic's error for what is no option.
    """

    _live: str = PrivateAttr(default_factory=lambda: uuid4().hex)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _LIVE[self._live] = self

    def close(self) -> None:
        """Close the session, and the archive if it was opened here."""
        _LIVE.pop(self._live, None)
        super().close()

    @classmethod
    def class_name(cls) -> str:
        """Its name where LlamaIndex writes it down."""
        return "CompactionMemory"

    @classmethod
    def from_defaults(  # pyright: ignore[reportIncompatibleMethodOverride] - the base takes anything
        cls,
        *,
        session_id: str | None = None,
        token_limit: int | None = None,
        llm: Any = None,
        tokenizer_fn: Callable[[str], Sequence[Any]] | None = None,
        archive: ArchiveLike = ":memory:",
        policy: Policy | None = None,
        drafter: Any = None,
        chat_history: Sequence[ChatMessage] | None = None,
        **options: Any,
    ) -> Self:
        """A memory; ``options`` are the other fields.

        ``token_limit``: None takes three quarters of the LLM's window, or 30,000. ``chat_history``: what was
        said before; a session that has it already stays as it is. ``llm`` also writes the summaries.
        """
        if session_id is not None:
            options["session_id"] = session_id
        if token_limit is None and llm is not None:
            token_limit = int(llm.metadata.context_window * LLM_SHARE)
        read = read_all(chat_history or ())
        memory = cls(
            token_limit=DEFAULT_TOKEN_LIMIT if token_limit is None else token_limit,
            llm=llm,
            tokenizer_fn=tokenizer_fn,
            archive=archive,
            policy=policy,
            drafter=drafter,
            **options,
        )
        if read:
            memory._with_session(lambda session: append_unknown(session, read))
        return memory

    # -- reading ---------------------------------------------------------------------------------------

    @dispatcher.span
    def get(
        self,
        input: str | ChatMessage | None = None,  # noqa: A002 - LlamaIndex's name
        initial_token_count: int = 0,
        context_management: Edits = None,
        **_: Any,
    ) -> list[ChatMessage]:
        """What to show the model now: copies, inside the limit.

        ``input``: what the memory is asked with. Unless that is the newest user message, it takes room, and
        what it asks about of what is not shown stands last (`Policy.recall_share`).
        ``initial_token_count``: tokens of the asker's own prompt; room is left for the conversation, whatever
        its size. ``context_management``: edits as providers take them. Raises `CannotCompact` when what
        must stay, pins and the user's question, does not fit.
        """
        asked = (input, initial_token_count, context_management)
        return write_all(self._with_session(lambda session: self._asking.context(session, *asked)))

    @dispatcher.span
    async def aget(
        self,
        input: str | ChatMessage | None = None,  # noqa: A002 - LlamaIndex's name
        initial_token_count: int = 0,
        context_management: Edits = None,
        **_: Any,
    ) -> list[ChatMessage]:
        """`get` on the running event loop."""
        asked = (input, initial_token_count, context_management)
        return write_all(await self._awith_session(lambda session: self._asking.acontext(session, *asked)))

    @dispatcher.span
    def get_all(self) -> list[ChatMessage]:
        """Every message that was ever put, in order, equal to what it was."""
        return write_all(self._with_session(lambda session: session.history()))

    # -- adding ----------------------------------------------------------------------------------------

    def put(self, message: ChatMessage) -> None:
        """Keep a message; durable on return. Raises `InvalidMessage`, `ArchiveError`: nothing was kept."""
        self.put_messages([message])

    async def aput(self, message: ChatMessage) -> None:
        """`put` on the running event loop."""
        await self.aput_messages([message])

    @dispatcher.span
    def put_messages(self, messages: Sequence[ChatMessage]) -> None:
        """Keep messages, all or none; after an answer get ahead of the next turn."""
        read = read_all(messages)
        self._with_session(lambda session: session.append(read))
        self._asking.said(read)
        if ends_turn(read):
            after_turn(self.session)

    @dispatcher.span
    async def aput_messages(self, messages: Sequence[ChatMessage]) -> None:
        """`put_messages` on the running event loop."""
        read = read_all(messages)
        await self._awith_session(lambda session: session.aappend(read))
        self._asking.said(read)
        if ends_turn(read):
            await aafter_turn(self.session)

    @dispatcher.span
    def set(self, messages: Sequence[ChatMessage]) -> None:
        """Make the conversation these messages: the new are added, where they differ a branch goes on.

        Nothing is deleted. A list cut at its beginning is no difference, nor is what `get` gave.
        """
        read, given_back = read_all(messages), self._asking.given_back
        self._with_session(lambda session: session.sync(given_back(session, read), deep=True))
        self._asking.said(read)

    @dispatcher.span
    async def aset(self, messages: Sequence[ChatMessage]) -> None:
        """`set` on the running event loop."""
        read, given_back = read_all(messages), self._asking.given_back
        await self._awith_session(lambda session: session.async_(given_back(session, read), deep=True))
        self._asking.said(read)

    @dispatcher.span
    def reset(self, archive: Literal["forget", "keep"] = "forget") -> None:
        """Begin anew. The conversation is erased; with ``archive="keep"`` it stays, as another branch."""
        if archive not in ("forget", "keep"):
            raise ValueError(f"reset: archive is 'forget' or 'keep', not {archive!r}; nothing was done")
        if archive == "keep":
            self._with_session(lambda session: session.fork(0))
        else:
            self._sessions.forget(self.session_id)
        self._asking.said(())

    # -- written down ----------------------------------------------------------------------------------

    def to_dict(self, **_: Any) -> dict[str, Any]:
        """The memory as JSON data: its session, limit and archive; of one in memory all that was said."""
        return {**self._data(), "live": self._live}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], **options: Any) -> Self:
        """The memory that `to_dict` told of: itself, as long as it is open in this process.

        A workflow writes its context down and reads it again for each run. In another process what is no
        data (llm, policy, ...) is given anew as an option. Raises `MissingArchive` if the archive was one of
        yours without a file, and none is given.
        """
        fields = dict(data)
        live = _LIVE.get(fields.pop("live", None) or "")
        return live if isinstance(live, cls) and not options else super().from_dict(fields, **options)

    @classmethod
    def _unpickled(cls, data: dict[str, Any], options: dict[str, Any]) -> Self:
        live = _LIVE.get(data["live"])
        return live if isinstance(live, cls) else cls.from_dict(data, **options)

    def to_string(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_string(cls, json_str: str, **options: Any) -> Self:
        """The memory that `to_string` told of."""
        return cls.from_dict(json.loads(json_str), **options)
