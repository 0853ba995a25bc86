"""Backups: the archive as of one moment, as an SQLite archive that is made of an export of it.

So a backup is opened like any archive, without a server. To put it back into a schema, export and import it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from context_compaction.archive.sqlite.archive import SQLiteArchive

Export = Callable[[Path], int]


def backup(export: Export, path: str | os.PathLike[str]) -> None:
    """Write what ``export`` writes to an archive at ``path``. A file there stays as it is after an error."""
    with tempfile.TemporaryDirectory(prefix="context-compaction-") as folder:
        exported = Path(folder) / "export.jsonl"
        export(exported)
        with SQLiteArchive() as copy:
            copy.import_(exported)
            copy.backup(path)
