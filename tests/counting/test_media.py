"""Prices of images by their headers, of sound, film and files by their size."""

import base64
import struct
import tracemalloc

import pytest

from context_compaction.counting.image_size import image_size
from context_compaction.counting.media import UNKNOWN_TOKENS, media_tokens
from context_compaction.messages import MediaBlock


def png(width: int, height: int) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\x06\0\0\0" + bytes(40)
    )


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(20)


def jpeg(width: int, height: int, metadata: int = 14, marker: int = 0xC0) -> bytes:
    exif = b"\xff\xe1" + struct.pack(">H", metadata + 2) + b"\xff" * metadata
    tables = (
        b"\xff\xff\xc4" + struct.pack(">H", 5) + b"abc"
    )  # a fill byte, then Huffman tables: no size in them
    frame = b"\xff" + bytes([marker]) + struct.pack(">HBHH", 17, 8, height, width)
    return b"\xff\xd8" + exif + tables + frame + bytes(30)


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + b"\0\0\0\0" + body + bytes(30)


def webp_extended(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(b"VP8X", b"\0\0\0\0" + size)


def webp_lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + (width - 1 | height - 1 << 14).to_bytes(4, "little"))


def webp_lossy(width: int, height: int) -> bytes:
    return webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height))


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def image(width: int, height: int, detail: str | None = None) -> MediaBlock:
    return MediaBlock("image", data=text(png(width, height)), mime="image/png", detail=detail)


@pytest.mark.parametrize("make", [png, gif, jpeg, webp_extended, webp_lossless, webp_lossy])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (640, 480), (1023, 4097)])
def test_sizes_are_read_from_headers(make, width: int, height: int):
    assert image_size(text(make(width, height))) == (width, height)


@pytest.mark.parametrize("metadata", [0, 1, 2, 5000, 60_000])
def test_jpeg_size_behind_metadata_of_any_length(metadata: int):
    assert image_size(text(jpeg(320, 200, metadata))) == (320, 200)
    assert image_size(text(jpeg(320, 200, metadata, marker=0xC2))) == (320, 200)


def test_wrapped_and_url_safe_base64_is_read():
    whole = base64.encodebytes(jpeg(320, 200, 5000)).decode()
    assert "\n" in whole
    assert image_size(whole) == (320, 200)
    odd = png(320, 200)[:24] + b"\xfb\xef\xbe" * 10 + b"\xff" * 12
    assert set("+/") < set(text(odd))
    assert image_size(base64.urlsafe_b64encode(odd).decode()) == (320, 200)


@pytest.mark.parametrize(
    "data",
    ["", "A", "!!!!", "not base64", text(b"\x89PNG"), text(b"\xff\xd8"), text(b"\xff\xd8\xff\xe1\0\0"),
     text(b"\xff\xd8" + b"\xff" * 5000), text(png(0, 5)), text(bytes(100)), "\ud800" * 50],
)  # fmt: skip
def test_headers_that_do_not_tell(data: str):
    assert image_size(data) is None


def test_only_the_header_is_decoded():
    data = text(png(640, 480)) + "A" * 20_000_000
    tracemalloc.start()
    assert image_size(data) == (640, 480)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("width", "height", "openai", "anthropic", "gemini"),
    [
        (512, 512, 255, 350, 258),
        (513, 512, 425, 351, 258),
        (1024, 1024, 765, 1399, 4 * 258),
        (2048, 4096, 1105, 1600, 3 * 6 * 258),  # OpenAI's own example
        (300, 200, 255, 80, 258),
        (1, 1, 255, 1, 258),
        (10_000, 100, 255 + 3 * 170, 33, 14 * 258),
    ],
)
def test_prices_of_images(width: int, height: int, openai: int, anthropic: int, gemini: int):
    block = image(width, height)
    assert media_tokens(block, "openai") == openai
    assert media_tokens(block, "anthropic") == anthropic
    assert media_tokens(block, "gemini") == gemini


def test_low_detail_is_cheap_with_openai_only():
    assert media_tokens(image(1024, 1024, "low"), "openai") == 85
    assert media_tokens(image(1024, 1024, "low"), "gemini") == 4 * 258


def test_image_of_unknown_size_is_taken_as_1024_square():
    by_address = MediaBlock("image", url="https://example.org/cat.png")
    broken = MediaBlock("image", data="zzzz")
    for pricing in ("openai", "anthropic", "gemini"):
        assert media_tokens(by_address, pricing) == media_tokens(image(1024, 1024), pricing)
        assert media_tokens(broken, pricing) == media_tokens(image(1024, 1024), pricing)


def test_an_int_is_the_price_of_anything():
    for kind in ("image", "audio", "video", "file"):
        assert media_tokens(MediaBlock(kind, url="x"), 321) == 321


def test_sound_film_and_files_go_by_their_decoded_bytes():
    ten_seconds_wav = MediaBlock("audio", data="A" * 640_000, mime="wav")
    assert media_tokens(ten_seconds_wav, "openai") == 100
    assert media_tokens(ten_seconds_wav, "gemini") == 320
    ten_seconds_mp3 = MediaBlock("audio", data="A" * 213_332, mime="audio/mpeg")
    assert media_tokens(ten_seconds_mp3, "openai") == 100
    assert media_tokens(MediaBlock("video", data="A" * 1_333_332), "gemini") == 4 * 263
    assert media_tokens(MediaBlock("file", data="A" * 4000, mime="text/csv"), "openai") == 750
    assert media_tokens(MediaBlock("file", data="A" * 80_000, mime="application/pdf"), "openai") == 2 * 1500


@pytest.mark.parametrize("kind", ["audio", "video", "file"])
def test_media_by_address_have_a_default(kind):
    assert media_tokens(MediaBlock(kind, url="https://example.org/x"), "openai") == UNKNOWN_TOKENS[kind]


def test_unknown_price_list_is_refused():
    with pytest.raises(ValueError, match="mistral"):
        media_tokens(image(1, 1), "mistral")  # type: ignore[arg-type]
