"""Base64 in text: found wherever it stands, and nothing else is taken for it."""

import base64
import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.text.opaque import HEAD_CHARS, MIN_CHARS, without_data

DATA = base64.b64encode(random.Random(4).randbytes(3000)).decode()
SIGNS = "ABCyz019+/_-"


def _lines(width: int, end: str) -> str:
    return end.join(DATA[at : at + width] for at in range(0, len(DATA), width))


@pytest.mark.parametrize(
    "text",
    [
        f"look: {DATA}",
        f"data:image/png;base64,{DATA}",
        json.dumps({"image": DATA, "size": 3}),
        DATA.replace("+", "-").replace("/", "_"),
        f"-----BEGIN CERTIFICATE-----\n{_lines(64, chr(10))}\n-----END CERTIFICATE-----",
        _lines(76, "\r\n"),
        json.dumps({"pem": _lines(64, "\n")}),
    ],
    ids=["run", "url", "json", "url-safe", "pem", "mime", "pem in json"],
)
def test_of_data_the_beginning_is_left(text: str):
    left = without_data(text)
    assert DATA[:60].replace("+", "-").replace("/", "_") in left.replace("+", "-").replace("/", "_")
    assert len(left) < 300
    assert without_data(left) == left


def test_what_stands_around_it_is_left():
    assert without_data(f"before {DATA} after") == f"before {DATA[:HEAD_CHARS]}  after"


@pytest.mark.parametrize(
    "text",
    [
        DATA[: MIN_CHARS - 1],
        "\n".join(f"{number:064x}" for number in range(7, 70)),
        "\n".join(f"src/Some/Very/Long/Folder/Of/A/Java/Project/With/Words{n}/{'x' * n}" for n in range(12)),
        "x" * 5000,
        "/" * 5000,
        "0123456789abcdef" * 300,
        "\n".join(random.Random(5).choices(["Word", "another", "Third9"], k=2000)),
    ],
    ids=["short", "hashes", "paths", "one letter", "slashes", "hex", "words"],
)
def test_other_text_is_left_as_it_is(text: str):
    assert without_data(text) == text


@given(
    st.lists(
        st.one_of(
            st.text(SIGNS, max_size=20),
            st.builds(lambda text, times: text * times, st.text(SIGNS, min_size=1, max_size=9), st.just(90)),
            st.sampled_from([" ", "\n", ".", '"', "é"]),
        ),
        max_size=30,
    )
)
def test_looking_at_blocks_first_misses_nothing(parts: list[str]):
    """The short cut for text without data gives what reading all of it would."""
    text = "".join(parts)
    runs = re.findall(r"[A-Za-z0-9+/_-]{512,}", text)
    assert (without_data(text) != text) == any(run.lower() != run != run.upper() for run in runs)
