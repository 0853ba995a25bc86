"""What a memory, a block and a chat store are told of their sessions, and how they are written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from llama_index.core.bridge.pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from context_compaction import Archive, Budget, Message, Policy, TokenCounter, open_archive
from llamaindex_compaction.saving import archive_data, archive_from, what_can_be_pickled
from llamaindex_compaction.sessions import RUNTIME, Sessions


class SessionFields(BaseModel):
    """Where the sessions are, and how they are kept."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", hide_input_in_errors=True)

    archive: Any = Field(default=":memory:", **RUNTIME)
    """A path, ``":memory:"`` or an `Archive`, which then stays yours to close."""
    drafter: Any = Field(default=None, **RUNTIME)
    """Who writes summaries: a drafter, a function, an LLM, or several; None selects sentences on the CPU."""
    policy: Policy | None = Field(default=None, **RUNTIME)
    """How to compact; None: `Policy.layered()`."""
    post_turn: Literal["inline", "background"] = Field(default="inline", **RUNTIME)
    """Whether getting ahead of the next turn is waited for."""
    observers: Any = Field(default=(), **RUNTIME)
    """Who is told of each compaction before (and may veto a SOFT one) and after."""
    is_pinned: Callable[[Message], bool] | None = Field(default=None, **RUNTIME)
    """Messages that stay word for word."""
    redactor: Callable[[str], str] | None = Field(default=None, **RUNTIME)
    """What every text goes through before a drafter reads it, and every summary; the archive is as it was."""
    embedder: Any = Field(default=None, **RUNTIME)
    """A LlamaIndex ``BaseEmbedding``, say, by which recall weighs meaning beside words; None: words alone."""
    _sessions: Sessions = PrivateAttr()
    _owned: Archive | None = PrivateAttr(default=None)
    """The archive, if it was opened here."""

    def close(self) -> None:
        """Close the sessions, and the archive if it was opened here."""
        self._sessions.close()
        if self._owned is not None:
            self._owned.close()

    def _open(self) -> Archive:
        archive = open_archive(self.archive)
        self._owned = None if archive is self.archive else archive
        return archive

    def _sessions_in(
        self,
        archive: Archive,
        token_limit: int,
        *,
        namespace: str,
        drafter: Any,
        counter: TokenCounter,
        recall_hint: bool = False,
    ) -> Sessions:
        """Sessions of an open archive, as the fields say."""
        return Sessions(
            archive,
            Budget(context_window=token_limit, reserve_tokens=0),
            namespace=namespace,
            policy=self.policy,
            drafter=drafter,
            counter=counter,
            post_turn=self.post_turn,
            observers=self.observers,
            is_pinned=self.is_pinned,
            redactor=self.redactor,
            embedder=self.embedder,
            recall_hint=recall_hint,
        )

    # -- written down ----------------------------------------------------------------------------------

    def to_dict(self, **_: Any) -> dict[str, Any]:
        """As JSON data: its options, and where its archive is; of one in memory what is in it."""
        return self._data()

    def _data(self) -> dict[str, Any]:
        return {**self.model_dump(), **archive_data(self.archive, self._sessions.archive)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], **options: Any) -> Self:
        """What `to_dict` told of. What is no data (llm, policy, ...) is given anew as an option.

        Raises `MissingArchive` if the archive was one of yours without a file, and none is given.
        """
        fields = {**data, **options}
        fields.pop("class_name", None)
        if "archive" in options:
            fields.pop("exported", None)
            return cls(**fields)
        archive = archive_from(cls.__name__, fields)
        made = cls(archive=archive, **fields)
        if isinstance(archive, Archive):
            made._owned = archive
        return made

    def _options(self) -> dict[str, Any]:
        """The fields that are no data."""
        fields = type(self).model_fields
        return {
            name: getattr(self, name) for name, field in fields.items() if field.exclude and name != "archive"
        }

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Another one: of an archive in memory with all that is in it, else on the same archive."""
        given = {"archive": self.archive} if isinstance(self.archive, Archive) else {}
        return type(self).from_dict(self._data(), **self._options(), **given)

    def __reduce__(self) -> Any:
        return _unpickled, (type(self), self.to_dict(), what_can_be_pickled(self._options()))

    @classmethod
    def _unpickled(cls, data: dict[str, Any], options: dict[str, Any]) -> Self:
        return cls.from_dict(data, **options)


def _unpickled(cls: type[SessionFields], data: dict[str, Any], options: dict[str, Any]) -> SessionFields:
    return cls._unpickled(data, options)  # pyright: ignore[reportPrivateUsage]
