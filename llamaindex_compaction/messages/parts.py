"""Content blocks of a LlamaIndex message as the engine's blocks, and back. No file or URL is read."""

from __future__ import annotations

import base64
from io import IOBase
from typing import Any

from llama_index.core.base.llms import types as li

from context_compaction import MediaBlock, ReasoningBlock, TextBlock
from llamaindex_compaction.messages.records import content_of

PlainBlock = TextBlock | ReasoningBlock | MediaBlock
SIGNATURES = ("signature", "thought_signature", "encrypted_content")


def blocks_of(block: Any) -> list[PlainBlock]:
    """What a block that is no call says: a cache point nothing, a citable block its title and contents."""
    match block:
        case li.TextBlock():
            return [TextBlock(block.text)]
        case li.ThinkingBlock():
            known = (block.additional_information.get(key) for key in SIGNATURES)
            signature = next((value for value in known if isinstance(value, str)), None)
            return [ReasoningBlock(block.content or "", signature)]
        case li.CitableBlock():
            head = TextBlock(f"{block.title} ({block.source})")
            return [head, *(part for inner in block.content for part in blocks_of(inner))]
        case li.CitationBlock():
            return blocks_of(block.cited_content)
        case li.CachePoint() | li.ToolCallBlock():
            return []
        case _:
            return [media for media in [_media(block)] if media is not None]


def block_for(block: PlainBlock) -> Any:
    """A content block that `blocks_of` reads as this one."""
    if isinstance(block, TextBlock):
        return li.TextBlock(text=block.text)
    if isinstance(block, ReasoningBlock):
        signed = {} if block.signature is None else {"signature": block.signature}
        return li.ThinkingBlock(content=block.text, additional_information=signed)
    data = None if block.data is None else block.data.encode("utf-8", "surrogatepass")
    # Unvalidated, so that nothing is guessed, looked for, or encoded once more.
    match block.kind:
        case "image":
            return li.ImageBlock.model_construct(
                image=data, url=block.url, image_mimetype=block.mime, detail=block.detail
            )
        case "audio":
            return li.AudioBlock.model_construct(audio=data, url=block.url, format=block.mime)
        case "video":
            return li.VideoBlock.model_construct(
                video=data, url=block.url, video_mimetype=block.mime, detail=block.detail
            )
        case _:
            return li.DocumentBlock.model_construct(
                data=data, url=block.url, document_mimetype=block.mime, title="input_document"
            )


def _media(block: Any) -> MediaBlock | None:
    match block:
        case li.ImageBlock():
            return _held("image", block, block.image, block.image_mimetype, block.detail)
        case li.AudioBlock():
            return _held("audio", block, block.audio, block.format)
        case li.VideoBlock():
            return _held("video", block, block.video, block.video_mimetype, block.detail)
        case _:
            return _held("file", block, block.data, block.document_mimetype)


def _held(kind: Any, block: Any, data: Any, mime: str | None, detail: str | None = None) -> MediaBlock | None:
    """By value if it is there, else by address; None if there is neither."""
    if isinstance(data, IOBase):
        data = base64.b64encode(content_of(data))
    if isinstance(data, bytes):
        text = data.decode("utf-8", "surrogateescape")
        return MediaBlock(kind, data=text, mime=mime, detail=detail)
    address = block.url if block.url is not None else block.path
    if address is None:
        return None
    url = str(address)
    if url.startswith("data:") and ";base64," in url:
        head, body = url[5:].split(";base64,", 1)
        return MediaBlock(kind, data=body, mime=head, detail=detail)
    return MediaBlock(kind, url=url, mime=mime, detail=detail)
