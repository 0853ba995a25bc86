"""What can be wrong with what LlamaIndex hands over. All are the engine's `CompactionError`, too.

CompactionError
├── MissingArchive   (also ValueError)   a memory was written down without its archive, and none was given
└── MissingPackage   (also ImportError)  an optional package is not installed
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


class MissingPackage(CompactionError, ImportError):
    """Something asked for needs a package that is not installed."""

    def __init__(self, package: str, what: str) -> None:
        super().__init__(f"{what} needs {package}, which is not installed: pip install {package}")
        self.package = package
