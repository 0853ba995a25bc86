"""What LlamaIndex keeps in a message, as JSON data and back: every block class and whatever else is there."""

from __future__ import annotations

from io import BytesIO, IOBase
from pathlib import Path, PosixPath, WindowsPath
from typing import Any, cast, get_args

from llama_index.core.base.llms.types import CacheControl, ContentBlock
from llama_index.core.bridge.pydantic import AnyUrl, BaseModel
from llama_index.core.schema import Document, ImageDocument

from context_compaction import InvalidMessage, PlainCodec

BLOCKS: tuple[type[BaseModel], ...] = get_args(get_args(ContentBlock)[0])
"""The content blocks that the installed version knows."""


def content_of(buffer: IOBase) -> bytes:
    """All that a buffer holds; it is left where it stood. Raises `InvalidMessage` if it cannot be read."""
    file = cast("BytesIO", buffer)
    try:
        place = file.tell()
        file.seek(0)
        try:
            return file.read()
        finally:
            file.seek(place)
    except (OSError, ValueError) as error:
        raise InvalidMessage(f"a block's {type(buffer).__name__} cannot be read: {error}") from error


def _told(model: BaseModel) -> dict[str, Any]:
    """The fields that differ from their defaults. An open file is what is in it."""
    return {
        name: BytesIO(content_of(value)) if isinstance(value, IOBase) else value
        for name, field in type(model).model_fields.items()
        if (value := getattr(model, name)) is not None or field.default is not None
    }


def _maker(kind: type[BaseModel]) -> Any:
    """Without validation, which would look for files at their paths, and encode data once more."""

    def make(fields: dict[str, Any]) -> BaseModel:
        return kind.model_construct(**fields)

    return make


def _dumped(document: BaseModel) -> dict[str, Any]:
    return document.model_dump(mode="json")


def _loader(kind: type[BaseModel]) -> Any:
    def load(fields: dict[str, Any]) -> Any:
        try:
            return kind.model_validate(fields)
        except ValueError:  # of a file that is gone, what was known of it
            return fields

    return load


def _fields(value: Any) -> Any:
    """What an object is made of: a model's or data class's fields, a sequence's parts, or its ``repr``."""
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, inf_nan_mode="strings", fallback=repr, serialize_unknown=True)


CODEC = PlainCodec(
    {
        **{kind: (_told, _maker(kind)) for kind in (*BLOCKS, CacheControl)},
        **dict.fromkeys((PosixPath, WindowsPath), (str, Path)),
        **{kind: (_dumped, _loader(kind)) for kind in (Document, ImageDocument)},
        AnyUrl: (str, AnyUrl),
        BytesIO: (BytesIO.getvalue, BytesIO),
    },
    fields=_fields,
)
