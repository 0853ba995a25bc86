"""What can be wrong with what LlamaIndex hands over. All are the engine's `CompactionError`, too.

CompactionError
└── MissingArchive   (also ValueError)   a memory was written down without its archive, and none was given
"""

from __future__ import annotations

from context_compaction import CompactionError


class MissingArchive(CompactionError, ValueError):
    """A memory's archive is not in what was written of it. Nothing was begun."""

    def __init__(self, session_id: str) -> None:
        super().__init__(
            f"the memory of session {session_id!r} kept its messages in an archive of yours; "
            "give it: CompactionMemory.from_dict(data, archive=...)"
        )
        self.session_id = session_id
