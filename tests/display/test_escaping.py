"""Nothing of a conversation becomes markup, wherever it stands, and nothing is fetched or run."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from context_compaction import (
    Budget,
    CompactionEvent,
    Draft,
    DraftRequest,
    HitList,
    Message,
    MessageList,
    Policy,
    SearchHit,
    Session,
    SummaryDrafter,
    TokenCounter,
    compare,
)
from context_compaction.display import html_of
from context_compaction.events import RungReport
from context_compaction.messages import MediaBlock, ReasoningBlock, TextBlock, ToolCallBlock, ToolResultBlock
from context_compaction.view import SummaryRecord
from tests.display.pages import Page, read

MARK = "qzmark"
"""In every text that stands for a conversation's: so it can be told from ours."""
OURS = {
    *(
        "style",
        "div",
        "header",
        "strong",
        "span",
        "section",
        "dl",
        "dt",
        "dd",
        "b",
        "i",
        "p",
        "ul",
        "ol",
        "li",
    ),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "code", "figure"),
    *("svg", "title", "polygon", "polyline", "rect"),
}
OUR_ATTRIBUTES = {
    *("class", "role", "aria-label", "aria-hidden", "dir", "style", "scope", "tabindex"),
    *("viewbox", "preserveaspectratio", "points", "fill", "stroke", "stroke-width", "stroke-dasharray"),
    *("vector-effect", "opacity", "x", "y", "width", "height"),
}
PIECES = [
    "<script>alert(1)</script>", "</script>", "</style>", "</div></div>",
    "<img src=x onerror=alert(1)>",
    '"', "'", "\" onmouseover='alert(1)'", "<!--", "-->", "<![CDATA[", "<?php",
    "&lt;", "&#60;", "&amp", "<", ">",
    "javascript:alert(1)", "$x$",
    "\\(x\\)", "{{7*7}}", "\x00", "\ud800", "\u202e", "\x1b[31m", "\r\n", "`", "é",
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=6).map(
    lambda found: MARK + "".join(found)
)


class Hostile(SummaryDrafter):
    """Writes what it is given, under a name that is no better."""

    def __init__(self, text: str) -> None:
        self.name = text

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> list[Draft]:
        return [Draft(f"## Current State\n- {self.name}") for _ in requests]


def checked(html: str, text: str) -> Page:
    """A display that shows the text as text, and is made of our own elements and attributes alone."""
    page = read(html)
    assert page.faults == []
    assert page.tags <= OURS
    assert {key for key, _ in page.attributes} <= OUR_ATTRIBUTES
    assert not [pair for pair in page.attributes if MARK in "".join(pair).lower()]
    assert MARK not in page.style
    assert shown(text) in page.text
    return page


def shown(text: str) -> str:
    """A text as a page can show it: without control characters and halves of characters."""
    plain = text.replace("\r\n", "\n")
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "\ufffd", plain)


@given(HOSTILE)
@example(f"{MARK}<script>alert(1)</script>")
@settings(max_examples=60)
def test_values_show_text_as_text(text: str) -> None:
    blocks = [
        TextBlock(text), ReasoningBlock(text), ToolCallBlock("c", text, text), MediaBlock("image", mime=text),
    ]  # fmt: skip
    said = Message("assistant", blocks, name=text)
    result = Message("tool", [ToolResultBlock("c", text, text, is_error=True)], name=text)
    summary = SummaryRecord(1, text, 5, 0, ((1, 2),), writer=text)
    event = CompactionEvent(
        "manual", "none", "fell_back", 10, 5, writer=text, fell_back_from=(text,), reason=text,
        rungs=(RungReport(text, 10, 5, text),), fidelity=0.5, items=((text, 3),),
    )  # fmt: skip
    hits = [
        SearchHit("m:1", said, None, 1.0, (text,), (text,)),
        SearchHit("s:1", None, summary, 0.5, (), ()),
    ]
    for value in (said, result, MessageList([said, result]), event, *hits, HitList(hits)):
        checked(html_of(value), text)


@given(HOSTILE)
@example(f"{MARK}</style><script>alert(1)</script>")
@settings(max_examples=25)
def test_a_session_shows_text_as_text(text: str) -> None:
    """Compacted by a drafter that writes it, named by it, pinned, recalled, failed with it."""
    counter = TokenCounter.of(lambda said: len(said.split()))
    budget = Budget(context_window=1000, reserve_tokens=100)
    policy = Policy.anchored(fidelity_floor=0.0)
    with Session(session_id=text, namespace=text, budget=budget, policy=policy,
                 drafter=Hostile(text), counter=counter) as s:  # fmt: skip
        for number in range(12):
            s.append([user(f"{number} {text} " + "word " * 100), {"role": "assistant", "content": text}])
            s.after_turn()
        s.pin("m:1")
        html = s._repr_html_()
        assert s.view.summaries
        checked(html, text)
        checked(html_of(s.context()), "conversation_summary")
        checked(html_of(s.history()), text)
        for event in s.events:
            checked(html_of(event), "tokens")


@given(HOSTILE)
@settings(max_examples=5)
def test_a_comparison_shows_text_as_text(text: str) -> None:
    said = [message for _ in range(6) for message in (user(text + " word" * 20), assistant(text))]
    found = compare(said, {text: Policy.truncating()}, max_tokens=150)
    checked(html_of(found), text)


def test_a_script_is_shown_and_not_run() -> None:
    """The plainest case, letter by letter."""
    html = Message("user", "<script>alert('x')</script>")._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in html


def test_formulas_stay_text() -> None:
    """JupyterLab typesets what stands between dollars, except where this class says no."""
    page = read(Message("user", "$x$ and $y$")._repr_html_())
    assert page.with_class("tex2jax_ignore") == page.with_class("mathjax_ignore") != []


@pytest.mark.parametrize("part", ["url(", "@import", "expression(", "javascript", "http"])
def test_the_style_sheet_fetches_nothing(part: str) -> None:
    assert part not in read(Message("user", "hello")._repr_html_()).style.lower()


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}
