"""A memory or store as data and back, its messages with it: in an archive's file, or written out."""

from __future__ import annotations

import logging
import os
import pickle
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from context_compaction import Archive, SQLiteArchive, open_archive
from llamaindex_compaction.errors import MissingArchive

IN_MEMORY = ":memory:"
logger = logging.getLogger(__name__)


def archive_data(given: Any, archive: Archive) -> dict[str, Any]:
    """Where an archive is; of one in memory what is in it. One of yours elsewhere is not told."""
    if isinstance(archive, SQLiteArchive) and archive.path != IN_MEMORY:
        return {"archive": os.path.abspath(archive.path)}  # noqa: PTH100 - the path as it was given, links and all
    if isinstance(given, Archive):
        return {"archive": None}
    if isinstance(archive, SQLiteArchive):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "export.jsonl"
            archive.export(path)
            return {"archive": IN_MEMORY, "exported": path.read_text(encoding="utf-8")}
    return {"archive": os.fspath(given)}


def archive_from(kind: str, data: dict[str, Any]) -> Any:
    """What to give as ``archive=`` for what `archive_data` told. Raises `MissingArchive`, `ArchiveError`."""
    address, exported = data.pop("archive", None), data.pop("exported", None)
    if address is None:
        raise MissingArchive(kind, data.get("session_id"))
    if exported is None:
        return address
    archive = open_archive(address)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.jsonl"
        path.write_text(exported, encoding="utf-8")
        archive.import_(path)
    return archive


def what_can_be_pickled(options: Mapping[str, Any]) -> dict[str, Any]:
    """As LlamaIndex does it: the rest is left out, and named."""
    out: dict[str, Any] = {}
    for name, value in options.items():
        try:
            pickle.dumps(value)
        except Exception:  # noqa: BLE001 - whatever a value of the user's raises
            logger.warning(
                "%s cannot be pickled and is left out; give it again: from_dict(data, %s=...)", name, name
            )
        else:
            out[name] = value
    return out
