"""Messages as LlamaIndex's stores write them down: pydantic's JSON."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from llama_index.core.base.llms.types import ChatMessage, DocumentBlock, MessageRole
from llama_index.core.bridge.pydantic import BaseModel, TypeAdapter

from context_compaction import Archive, InvalidMessage, Session, append_unknown
from llamaindex_compaction.messages import from_llamaindex
from llamaindex_compaction.messages.records import BLOCKS
from llamaindex_compaction.sessions import ANY_BUDGET

_KINDS: dict[Any, type[BaseModel]] = {kind.model_fields["block_type"].default: kind for kind in BLOCKS}


def import_stored(archive: Archive, session_id: str, namespace: str, stored: Iterable[Any]) -> int:
    """Append what the session does not have. Raises `InvalidMessage` with session and place of a bad one."""
    read: list[Any] = []
    for index, data in enumerate(stored):
        try:
            read.append(from_llamaindex(message_from(data)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidMessage(f"of session {session_id!r}: {error}", index) from error
    with Session(archive, session_id, namespace, budget=ANY_BUDGET) as session:
        return append_unknown(session, read)


def message_from(data: Any) -> ChatMessage:
    """One message. Raises `ValueError` and the like for what is none."""
    if isinstance(data, ChatMessage):
        return data
    fields = cast("dict[str, Any]", data)
    if "blocks" not in fields:  # as it was written before there were blocks
        return ChatMessage.model_validate(fields)
    return ChatMessage.model_construct(
        role=MessageRole(fields["role"]),
        additional_kwargs=TypeAdapter(dict[str, Any]).validate_python(fields.get("additional_kwargs") or {}),
        blocks=[_block(block) for block in fields["blocks"]],
    )


def _block(data: dict[str, Any]) -> Any:
    """Validated, but for a file that is gone: then what was known of it."""
    kind = _KINDS.get(data.get("block_type"))
    if kind is None:
        raise ValueError(f"{data.get('block_type')!r} is no kind of content block")
    path = data.get("path")
    if path is None:
        return kind.model_validate(data)
    block = kind.model_validate({**data, "path": None})
    cast("Any", block).path = path if kind is DocumentBlock else Path(path)
    return block
