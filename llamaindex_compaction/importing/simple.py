"""`import_chat_store`: every key of a chat store, or of a `SimpleChatStore`'s file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from llama_index.core.storage.chat_store.base import BaseChatStore

from context_compaction import Archive, InvalidMessage, open_archive, with_progress
from llamaindex_compaction.importing.stored import import_stored
from llamaindex_compaction.sessions import ArchiveLike


def import_chat_store(
    archive: ArchiveLike, store: BaseChatStore | str | os.PathLike[str], *, namespace: str = "default"
) -> dict[str, int]:
    """Import each key of the store into the session of that id; says how many messages each gained.

    ``store``: any chat store, or the path of what a `SimpleChatStore` persisted. A session is imported as a
    whole or not at all, and importing again adds only what is new. What cannot be read raises
    `InvalidMessage` with its session and place: sessions before it are imported. Raises `ArchiveError`, and
    `OSError` for a file.
    """
    opened = open_archive(archive)
    try:
        sessions = with_progress(_conversations(store), "importing", unit="session")
        return {key: import_stored(opened, key, namespace, messages) for key, messages in sessions}
    finally:
        if not isinstance(archive, Archive):
            opened.close()


def _conversations(store: Any) -> Iterable[tuple[str, Iterable[Any]]]:
    if isinstance(store, BaseChatStore):
        return ((key, list(store.get_messages(key))) for key in store.get_keys())
    path = Path(store)
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, str):  # older versions wrote JSON in JSON
            found = json.loads(found)
    except ValueError as error:
        raise InvalidMessage(f"{path} is no JSON: {error}") from error
    held: Any = cast("Mapping[str, Any]", found).get("store") if isinstance(found, Mapping) else None
    if not isinstance(held, Mapping):
        raise InvalidMessage(f"{path} is no chat store: it has no conversations under 'store'")
    conversations = cast("Mapping[str, Any]", held)
    for key, messages in conversations.items():
        if not isinstance(messages, list):
            raise InvalidMessage(f"{path} is no chat store: of session {key!r} it has no list of messages")
    return conversations.items()
