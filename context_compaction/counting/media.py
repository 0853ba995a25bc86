"""What an image, sound, video or file costs, by the providers' published rules. No I/O, no base64 as text."""

from __future__ import annotations

from math import ceil

from context_compaction.counting.base import MediaPricing
from context_compaction.counting.image_size import image_size
from context_compaction.messages import MediaBlock

UNKNOWN_IMAGE = (1024, 1024)
"""Width and height in pixels taken for an image by address, or one whose header does not tell."""
UNKNOWN_TOKENS = {"audio": 1000, "video": 5000, "file": 1500}
"""Tokens of media by address: a minute and a half of sound, twenty seconds of film, a page."""

_AUDIO_BYTES = {"wav": 48_000, "pcm": 48_000, "l16": 48_000}
"""Bytes a second: 24 kHz, 16 bit, one channel; anything else is taken as compressed at 128 kbit/s."""
_COMPRESSED_BYTES = 16_000
_VIDEO_BYTES = 250_000
"""Bytes a second of film: 2 Mbit/s."""
_AUDIO_RATE = {"openai": 10, "anthropic": 32, "gemini": 32}
"""Tokens a second of sound."""
_VIDEO_RATE = 263
"""Tokens a second of film (Gemini's; the others take none)."""
_PAGE_BYTES, _PAGE_TOKENS = 50_000, 1500
"""A document's page: text and its picture."""


def media_tokens(block: MediaBlock, pricing: MediaPricing) -> int:
    """Tokens of one media block; an int as ``pricing`` is the price of any.

    Images: OpenAI 85 + 170 a 512-pixel tile after its scaling, 85 at low detail; Anthropic an area of 750
    pixels a token after scaling to a long edge of 1568, at most 1600; Gemini 258 a 768-pixel tile. Sound,
    film and files: by their decoded bytes, roughly. Raises `ValueError` for an unknown price list.
    """
    if isinstance(pricing, int):
        return pricing
    if pricing not in _AUDIO_RATE:
        raise ValueError(f"unknown media pricing {pricing!r}; use one of {', '.join(_AUDIO_RATE)}, or an int")
    if block.kind == "image" or (block.mime or "").startswith("image/"):
        return _image(block, pricing)
    if block.data is None:
        return UNKNOWN_TOKENS[block.kind]
    size, mime = len(block.data) * 3 // 4, (block.mime or "").lower()
    if block.kind == "audio":
        rate = _AUDIO_BYTES.get(mime.removeprefix("audio/").removeprefix("x-"), _COMPRESSED_BYTES)
        return ceil(size / rate * _AUDIO_RATE[pricing])
    if block.kind == "video":
        return ceil(size / _VIDEO_BYTES * _VIDEO_RATE)
    if mime.startswith("text/") or mime == "application/json":
        return ceil(size / 4)
    return ceil(size / _PAGE_BYTES) * _PAGE_TOKENS


def _image(block: MediaBlock, pricing: MediaPricing) -> int:
    width, height = (image_size(block.data) if block.data else None) or UNKNOWN_IMAGE
    if pricing == "openai":
        return 85 if block.detail == "low" else _openai(width, height)
    return _anthropic(width, height) if pricing == "anthropic" else _gemini(width, height)


def _openai(width: int, height: int) -> int:
    """Into a 2048-pixel square, then the short side down to 768, then tiles of 512."""
    scale = min(1.0, 2048 / max(width, height))
    scale = min(scale, 768 / min(width, height))
    return 85 + 170 * _tiles(width * scale, height * scale, 512)


def _anthropic(width: int, height: int) -> int:
    scale = min(1.0, 1568 / max(width, height))
    return min(1600, ceil(width * scale * height * scale / 750))


def _gemini(width: int, height: int) -> int:
    return 258 * _tiles(width, height, 768)


def _tiles(width: float, height: float, side: int) -> int:
    # rounded first: 768.0000000001 is one tile and a half, not two
    return ceil(round(width, 6) / side) * ceil(round(height, 6) / side)
