"""What events, messages and hits look like in a notebook, and that lists stay lists."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from context_compaction import (
    Budget,
    CompactionEvent,
    FactCount,
    HitList,
    Message,
    MessageList,
    Policy,
    Session,
    compact,
)
from context_compaction.display import html_of
from context_compaction.display.messages import HEAD, TAIL
from context_compaction.display.parts import LONGEST, MOST, passage, percent, ranges
from context_compaction.events import RungReport
from context_compaction.testing.embedders import HashedEmbedder
from tests.display.pages import read
from tests.session.talks import session, turns
from tests.windows import WORDS, user

ROOT = Path(__file__).parents[2]
EVENT = CompactionEvent(
    "post_turn", "soft", "fell_back", 9000, 3000, writer="extractive", fell_back_from=("qwen",),
    reason="no GPU",
    rungs=(RungReport("deduplicate", 9000, 8000), RungReport("summarize", 8000, 3000, "one draft")),
    fidelity=0.9961, facts=FactCount(12, 3, 0), committed=True, version=4, at_seq=57, removed=20, edited=2,
    ms=12.34,
)  # fmt: skip


def test_an_event_tells_everything_about_itself() -> None:
    text = read(EVENT._repr_html_()).text
    for said in (
        "fell back", "view v4", "at m:57", "post turn, soft", "9,000 → 3,000", "67 % less", "20", "2 edited",
        "over 99 %", "extractive in place of qwen", "no GPU", "3 only recallable, 0 lost", "12.3 ms",
        "deduplicate",
        "1,000", "5,000", "one draft",
    ):  # fmt: skip
        assert said in text


def test_an_event_that_committed_nothing_says_so() -> None:
    event = CompactionEvent("pre_turn", "hard", "infeasible", 9, 9, items=(("pins", 700), ("system", 20)))
    text = read(event._repr_html_()).text
    assert "not committed" in text
    assert "pins700" in text
    assert "fidelity" not in text


def test_a_context_shows_who_said_what() -> None:
    messages, _ = compact([user("hello"), {"role": "assistant", "content": "Good day."}], budget=Budget(9000))
    text = read(messages._repr_html_()).text
    assert "Messages 2" in text
    assert "userhello" in text
    assert "assistantGood day." in text


def test_the_context_message_and_edits_are_marked() -> None:
    s = session(policy=Policy.truncating())
    s.append([*turns(1, 20), user("and now?")])
    assert "context message" in read(s.context()._repr_html_()).text


def test_of_a_long_list_both_ends_are_shown() -> None:
    said = MessageList(Message("user", f"number {number}.") for number in range(500))
    text = read(said._repr_html_()).text
    shown = [number for number in range(500) if f"number {number}." in text]
    assert shown == [*range(HEAD), *range(500 - TAIL, 500)]
    assert f"{500 - HEAD - TAIL} messages in between" in text


def test_of_a_long_text_the_rest_opens_and_the_end_is_counted() -> None:
    text = "a" * LONGEST + "b" * (MOST - LONGEST) + "c" * 77
    page = read(passage(text))
    assert ("details" in page.tags, page.text.count("a" * LONGEST), "c" * 77 in page.text) == (True, 1, False)
    assert "77 that are not shown" in page.text
    assert page.text.count("b") > MOST - LONGEST - 1


def test_media_is_told_and_not_carried() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 50_000}}
    html = Message.from_openai({"role": "user", "content": [image]})._repr_html_()
    assert "image/png, 50,000 characters of base64" in html
    assert len(html) < 10_000


def test_hits_tell_where_and_why() -> None:
    s = Session(budget=Budget(context_window=8000))
    s.append([user("Staging is frozen on Tuesdays."), {"role": "assistant", "content": "Noted."}])
    hits = s.recall("when is staging frozen?")
    text = read(hits._repr_html_()).text
    assert "m:1" in text
    assert "Staging is frozen on Tuesdays." in text
    assert {"staging", "frozen"} <= set(hits[0].why)
    one = read(hits[0]._repr_html_()).text
    assert "around it: m:2" in one
    assert all(word in one for word in hits[0].why)
    assert "nothing that was said matches" in read(s.recall("xylophone")._repr_html_()).text


def test_a_hit_by_meaning_says_so() -> None:
    """It holds no word of the question, and nothing around it does."""
    with Session(budget=Budget(context_window=8000), embedder=HashedEmbedder()) as s:
        s.append(user("my bicycle is called Pegasus"))
        s.drain()
        [hit] = s.recall("bicyclist pegasuslike")
        assert (hit.why, hit.reasons) == ((), ())
        assert f"found by its meaning (similarity {hit.similarity:.2f})" in read(hit._repr_html_()).text


def test_lists_stay_lists() -> None:
    """Equal to plain ones, written as JSON, sliced, added to; each call gives a list of its own."""
    s = Session(budget=Budget(context_window=8000), counter=WORDS)
    s.append(turns(1, 2))
    context = s.context()
    assert isinstance(context, list)
    assert context == list(context) == s.history() == s.expand("m:1-m:4")
    assert type(context[:1]) is type([*context]) is list
    assert json.dumps(MessageList()) == "[]"
    context.clear()
    assert len(s.context()) == 4
    assert (type(s.recall("question")), type(s.context())) == (HitList, MessageList)


def test_what_has_no_display_is_refused() -> None:
    with pytest.raises(TypeError, match="dict has no display"):
        html_of({})


def test_displays_are_loaded_when_they_are_asked_for() -> None:
    """A session that is worked with knows nothing of HTML."""
    probe = (
        "import sys; from context_compaction import *; s = Session(budget=Budget(9000)); "
        "s.append({'role': 'user', 'content': 'hello'}); s.context(); s.recall('hello'); "
        "roots = ('context_compaction.display.', 'tqdm', 'matplotlib'); "
        "loaded = lambda: [name for name in sys.modules if name.startswith(roots)]; "
        "before = loaded(); s._repr_html_(); print(before, len(loaded()) > 5, 'matplotlib' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["[]", "True", "False"]


def test_shares_and_ranges_read_as_they_are() -> None:
    assert [percent(share) for share in (0, 0.5, 0.994, 0.999, 1)] == [
        "0 %",
        "50 %",
        "99 %",
        "over 99 %",
        "100 %",
    ]
    assert ranges([(1, 1), (3, 5)]) == "m:1, m:3-m:5"
    assert ranges([(n, n) for n in range(1, 20, 2)]).endswith("m:15 and 2 more")
