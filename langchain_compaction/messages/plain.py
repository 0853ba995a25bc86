"""What LangChain keeps in a message, as JSON data and back."""

from __future__ import annotations

from typing import Any

from langchain_core.documents import Document

from context_compaction import PlainCodec


def _fields(value: Any) -> Any:
    """What an object is made of: a sequence's parts, a model's or data class's fields, or its ``repr``."""
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, inf_nan_mode="strings", fallback=repr, serialize_unknown=True)


def _told(document: Document) -> dict[str, Any]:
    return {"id": document.id, "page_content": document.page_content, "metadata": document.metadata}


CODEC = PlainCodec({Document: (_told, lambda fields: Document(**fields))}, fields=_fields)
to_plain = CODEC.write
from_plain = CODEC.read
