"""Every error this package raises on purpose.

CompactionError
├── InvalidMessage          (also ValueError)  a message that cannot be stored, with its index
├── InvalidBudget           (also ValueError)  a window, reserve or overhead that leaves no room
├── InvalidPolicy           (also ValueError)  a size, rung or option that means nothing
├── CannotCompact           the floor does not fit; carries the itemised floor
├── DuplicateMessage        an id appended again with other content
├── UnknownReference        ``m:`` or ``s:`` reference that this session does not have
├── QueryError              a recall query that cannot be asked
├── DrafterError            a drafter failed, or returned what cannot be used
├── EmbedderError           an embedder failed, or returned what cannot be used
├── SessionHasForks         erasing would pull the log from under a fork
├── SessionExists           a session that was to be made is there already
├── UnknownSession          a session that was to be verified is not there
├── MissingPackage          (also ImportError) an optional package is not installed; says what to install
└── ArchiveError
    ├── ArchiveUnavailable  locked, unreadable, full, vanished: the data is as it was
    ├── ArchiveCorrupt      the file is not what was written, or not ours
    ├── ArchiveTooNew       written by a newer version of this package
    └── StaleView           somebody else committed first; nothing was written
"""

from __future__ import annotations

from collections.abc import Sequence


class CompactionError(Exception):
    """Root of everything this package raises on purpose."""


class InvalidMessage(CompactionError, ValueError):
    """A message cannot be stored as it is; nothing of its batch was.

    ``index`` is its position in the list that was passed, 0 for a single message.
    """

    def __init__(self, reason: str, index: int = 0) -> None:
        super().__init__(f"message {index}: {reason}")
        self.reason = reason
        self.index = index


class InvalidBudget(CompactionError, ValueError):
    """A budget whose parts leave no input tokens."""


class InvalidPolicy(CompactionError, ValueError):
    """A rule, size or strategy option that cannot mean anything."""


class CannotCompact(CompactionError):
    """What may never leave the context is larger than the input budget.

    ``items`` is the itemised floor as ``(what, tokens)``; ``input_tokens`` is the room there was.
    """

    def __init__(self, items: Sequence[tuple[str, int]], input_tokens: int) -> None:
        self.items: tuple[tuple[str, int], ...] = tuple(items)
        self.input_tokens = input_tokens
        self.floor_tokens = sum(tokens for _, tokens in self.items)
        parts = ", ".join(f"{what} {tokens}" for what, tokens in self.items)
        super().__init__(
            f"the context cannot be made to fit: at least {self.floor_tokens} tokens must stay ({parts}), "
            f"but the input budget is {input_tokens}. Use a larger context_window, a smaller reserve_tokens, "
            "or unpin messages."
        )


class DuplicateMessage(CompactionError):
    """A message id that the log already has, with other content. Nothing was stored."""

    def __init__(self, message_id: str, index: int = 0) -> None:
        super().__init__(
            f"message {index}: id {message_id!r} is already in the log with other content; "
            "give the new message an id of its own, or none"
        )
        self.message_id = message_id
        self.index = index


class UnknownReference(CompactionError, LookupError):
    """A reference that does not name a message or summary of this session."""

    def __init__(self, ref: str, detail: str = "this session has no such message or summary") -> None:
        super().__init__(f"{ref!r}: {detail}; references look like 'm:57', 'm:3-m:9' or 's:2'")
        self.ref = ref


class QueryError(CompactionError, ValueError):
    """A recall query that cannot be asked (not text, k below 1, or a page that is not there)."""


class DrafterError(CompactionError):
    """A drafter raised, ran out of time, or returned something that cannot be a summary."""


class EmbedderError(CompactionError):
    """An embedder raised, ran out of time, or returned something that cannot be its vectors."""


class SessionHasForks(CompactionError):
    """The session has branches, or forked sessions that share its log: say what is to become of them."""


class SessionExists(CompactionError):
    """A session of this id is there already: another id, or forget that one first. Nothing was written."""


class UnknownSession(CompactionError, LookupError):
    """The archive has no session of this id in this namespace."""

    def __init__(self, session_id: str, namespace: str) -> None:
        super().__init__(
            f"there is no session {session_id!r} in namespace {namespace!r}; "
            "`Archive.sessions()` names those that are there"
        )
        self.session_id = session_id
        self.namespace = namespace


class MissingPackage(CompactionError, ImportError):
    """Something needs a package that is not installed; ``extra``: which of ours it comes with, if any."""

    def __init__(self, what: str, package: str, extra: str | None = None) -> None:
        install = package if extra is None else f"'context-compaction[{extra}]'"
        super().__init__(f"{what} needs {package}, which is not installed: pip install {install}")
        self.package = package
        self.extra = extra


class ArchiveError(CompactionError):
    """Root of what can go wrong with an archive."""


class ArchiveUnavailable(ArchiveError):
    """The archive cannot be read or written now (locked, full, read-only, missing); it is as it was."""


class ArchiveCorrupt(ArchiveError):
    """The archive's bytes are not what this package wrote."""


class ArchiveTooNew(ArchiveError):
    """The archive has a schema newer than this version of the package knows."""


class StaleView(ArchiveError):
    """Another writer moved the view or the log first; nothing was written."""
