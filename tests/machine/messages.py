"""Hypothesis strategies: what is said, each message with a word that no other has."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import strategies as st

from tests.histories import NASTY

Dict = dict[str, Any]
CALL_IDS = ("call_a", "call_b", "call_c")
"""Few, so that ids recur, and results come late or for nobody."""
WORD = re.compile(r"\bw\d+k\b")
OWN = "OWN"
"""Stands in a message to be for its word."""
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
RULES = (
    "Never touch it.",
    "Always use tabs.",
    "From now on use spaces.",
    "You may touch it.",
    "Forget that rule.",
)
FILLER = (
    *("", "ok", "filler " * 9, "one two three. " * 9, "x" * 300, *NASTY),
    *(f"\n\n{rule}" for rule in RULES),
)
fillers = st.sampled_from(FILLER)
call_ids = st.sampled_from(CALL_IDS)


def word(number: int) -> str:
    """The one that stands in the message of this number alone."""
    return f"w{number}k"


def with_word(message: Dict, number: int) -> Dict:
    """The message with this word in it."""
    return json.loads(json.dumps(message).replace(OWN, word(number)))


def plain(role: str) -> st.SearchStrategy[Dict]:
    return fillers.map(lambda filler: {"role": role, "content": f"{OWN} {filler}"})


def _calling(ids: list[str], content: str | None, name: str) -> Dict:
    function = {"name": name, "arguments": f'{{"path": "{OWN}"}}'}
    calls = [{"id": found, "type": "function", "function": function} for found in ids]
    return {"role": "assistant", "content": content, "tool_calls": calls}


reasoned = fillers.map(
    lambda filler: {"role": "assistant", "content": f"{OWN} so", "reasoning": f"thinking {OWN} {filler}"}
)
pictured = st.sampled_from((PIXEL, "https://example.org/a.png")).map(
    lambda url: {
        "role": "user",
        "content": [{"type": "text", "text": f"see {OWN}"}, {"type": "image_url", "image_url": {"url": url}}],
    }
)
calling = st.builds(
    _calling,
    st.lists(call_ids, min_size=1, max_size=3),
    st.sampled_from((None, "", "look")),
    st.sampled_from(("read_file", "bash", "lookup")),
)
answering = st.builds(
    lambda found, filler: {"role": "tool", "tool_call_id": found, "content": f"{OWN} {filler}"},
    call_ids,
    fillers,
)
messages: st.SearchStrategy[Dict] = st.one_of(
    plain("user"),
    plain("user"),
    plain("assistant"),
    calling,
    answering,
    answering,
    reasoned,
    pictured,
    plain("system"),
)
batches = st.lists(messages, min_size=1, max_size=4)


def turns(count: int, start: int = 0) -> list[Dict]:
    """So many messages of an ordinary conversation with tools; ``start``: where in its round it begins."""
    talk = [_ROUND[(start + place) % len(_ROUND)] for place in range(count)]
    return [{**message, "content": f"{OWN} {message['content']} " + "and so on " * 10} for message in talk]


_ROUND: tuple[Dict, ...] = (
    {"role": "user", "content": "what next?"},
    {**_calling(["call_a", "call_b"], "looking", "read_file"), "content": "looking"},
    {"role": "tool", "tool_call_id": "call_a", "content": "def main(): pass"},
    {"role": "tool", "tool_call_id": "call_b", "content": "1,2,3"},
    {"role": "assistant", "content": "It is done, see a.py."},
    {"role": "user", "content": "and then?"},
    {"role": "assistant", "content": "I decided to use SQLite."},
)
