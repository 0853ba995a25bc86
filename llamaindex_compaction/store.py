"""`CompactionChatStore`: a chat store whose conversations fit a limit, and lose nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.storage.chat_store.base import BaseChatStore

from context_compaction import PastContexts, Session
from llamaindex_compaction.fields import SessionFields
from llamaindex_compaction.memory.given import given_back
from llamaindex_compaction.messages import read_all, write_all
from llamaindex_compaction.post_turn import aafter_turn, after_turn, ends_turn
from llamaindex_compaction.sessions import RUNTIME, counter_of


class CompactionChatStore(SessionFields, BaseChatStore):
    """A chat store, for ``chat_store=`` of LlamaIndex's memories. Each key is a session of the archive.

        store = CompactionChatStore(archive="chat.db", token_limit=3000)
        memory = ChatMemoryBuffer.from_defaults(chat_store=store, chat_store_key="ada", token_limit=4000)

    `get_messages` gives what fits ``token_limit``: copies, with what has left in one user-role message at the
    beginning. Everything that was ever added is in `archived_messages`. Messages that are set, inserted or
    deleted one by one make the session go on as a branch; only `delete_messages` erases.
    """

    token_limit: int = Field(default=3000, frozen=True)
    """What `get_messages` gives stays under so many tokens."""
    namespace: str = Field(default="default", frozen=True)
    tokenizer_fn: Callable[[str], Sequence[Any]] | None = Field(default=None, **RUNTIME)
    _pasts: dict[str, PastContexts] = PrivateAttr(default_factory=dict[str, PastContexts])

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._sessions = self._sessions_in(
            self._open(),
            self.token_limit,
            namespace=self.namespace,
            drafter=self.drafter,
            counter=counter_of(self.tokenizer_fn),
        )

    @classmethod
    def class_name(cls) -> str:
        """Its name where LlamaIndex writes it down."""
        return "CompactionChatStore"

    def session(self, key: str) -> Session:
        """The engine's session of a key: search, pins, branches, events."""
        return self._sessions.get(key)

    def archived_messages(self, key: str) -> list[ChatMessage]:
        """Every message ever added under the key, in order, equal to what it was."""
        return write_all(self.session(key).history()) if self._sessions.has(key) else []

    # -- LlamaIndex's interface ------------------------------------------------------------------------

    def get_keys(self) -> list[str]:
        """All keys."""
        return [key for _, key in self._sessions.archive.sessions(self.namespace)]

    def get_messages(self, key: str) -> list[ChatMessage]:
        """What fits the limit. Raises `CannotCompact` when what must stay does not fit."""
        return write_all(self._past(key).context(self.session(key))) if self._sessions.has(key) else []

    def add_message(self, key: str, message: ChatMessage, idx: int | None = None) -> None:
        """Keep a message; durable on return. ``idx``: its place in what `get_messages` gives, if not the end.

        Raises `InvalidMessage`, `ArchiveError`: nothing was kept.
        """
        read = read_all([message])
        if idx is not None:
            shown = self.get_messages(key)
            shown.insert(idx, message)
            self._follow(key, shown, trimmed=False)
            return
        session = self.session(key)
        session.append(read)
        if ends_turn(read):
            after_turn(session)

    def set_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Make the conversation these messages; what `get_messages` gave stands for what it is of.

        A list cut at its beginning is no difference: nothing has to be dropped for it to fit.
        """
        self._follow(key, messages, trimmed=True)

    def delete_messages(self, key: str) -> list[ChatMessage] | None:
        """Erase the key's conversation, and give back all that it was; None if there is none."""
        if not self._sessions.has(key):
            return None
        gone = self.archived_messages(key)
        self._pasts.pop(key, None)
        self._sessions.forget(key)
        return gone

    def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Go on without the message at this place of what `get_messages` gives; it stays in a branch."""
        shown = self.get_messages(key)
        if not -len(shown) <= idx < len(shown):
            return None
        gone = shown.pop(idx)
        self._follow(key, shown, trimmed=False)
        return gone

    def delete_last_message(self, key: str) -> ChatMessage | None:
        """Go on without the last message."""
        return self.delete_message(key, -1)

    async def async_add_message(self, key: str, message: ChatMessage) -> None:
        """`add_message` on the running event loop: tasks add in the order in which they asked."""
        read = read_all([message])
        session = self.session(key)
        await session.aappend(read)
        if ends_turn(read):
            await aafter_turn(session)

    def _follow(self, key: str, messages: Iterable[ChatMessage], *, trimmed: bool) -> None:
        session = self.session(key)
        said = self._past(key).as_said(session, given_back(session, read_all(messages)))
        session.sync(said, deep=True, trimmed=trimmed)

    def _past(self, key: str) -> PastContexts:
        return self._pasts.setdefault(key, PastContexts())
