"""What can be wrong with what LlamaIndex hands over. All are the engine's `CompactionError`, too.

CompactionError
└── MissingArchive   (also ValueError)   something was written down without its archive, and none was given
"""

from __future__ import annotations

from context_compaction import CompactionError


class MissingArchive(CompactionError, ValueError):
    """The archive of a memory or store is not in what was written of it. Nothing was begun."""

    def __init__(self, kind: str, session_id: str | None = None) -> None:
        of = "" if session_id is None else f" of session {session_id!r}"
        super().__init__(
            f"a {kind}{of} kept its messages in an archive of yours; give it: "
            f"{kind}.from_dict(data, archive=...)"
        )
        self.session_id = session_id
