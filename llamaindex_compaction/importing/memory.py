"""`import_memory`: whatever a memory holds, or a list of messages."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory.types import BaseMemory

from context_compaction import Session, append_unknown
from llamaindex_compaction.messages import read_all


def import_memory(session: Session, source: BaseMemory | Sequence[ChatMessage]) -> int:
    """Append all that ``source`` holds and the session does not; says how many messages that was.

    ``source``: any memory that can give all of its messages (of `Memory` also those that it archived), or a
    list. Durable on return, all or none. What was imported before is known by what stands around it, so that
    importing again adds only what is new. Raises `InvalidMessage` with the place of what cannot be read, and
    `ArchiveError`.
    """
    return append_unknown(session, read_all(source.get_all() if isinstance(source, BaseMemory) else source))
