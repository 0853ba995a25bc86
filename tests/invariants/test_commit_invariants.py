"""Each promise of design §4 that is checked before a commit: it holds for a good view, and says when not."""

from __future__ import annotations

import pytest

from context_compaction.invariants import (
    accounted,
    broken_invariant,
    newest_user,
    order,
    reproducible,
    shrinks,
    tool_pairs,
    verbatim,
)
from context_compaction.messages import TextBlock
from context_compaction.view import Edited, Gap, Kept, Pin, Summary, SummaryRecord, View
from tests.windows import answers, asks, assistant, change_of, rendered, system, user, view_of, window_of

LOG = window_of(
    [
        system("be brief"),
        user("first " * 20),
        asks("a", "b"),
        answers("a"),
        answers("b"),
        assistant("done " * 20),
        user("second question"),
        assistant("the answer " * 5),
    ]
)
SUMMARY = SummaryRecord(1, "## Goal and Standing Instructions\nthings", 6, 0, ((2, 5),))
GOOD = view_of(LOG, [Kept(1), Summary(1), Gap(6, 6), Kept(7), Kept(8)])


def test_a_good_view_keeps_every_promise() -> None:
    change = change_of(LOG, GOOD, [SUMMARY], hard=True)
    assert broken_invariant(change) is None
    assert reproducible(change) is None


def test_a_view_that_renders_differently_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """5: something that moves, a clock or a random value, in a view."""
    ticks = iter(range(9))
    monkeypatch.setitem(reproducible.__globals__, "rendered_bytes", lambda _: next(ticks))
    assert "differently" in (reproducible(change_of(LOG, GOOD, [SUMMARY])) or "")


def test_a_split_group_is_seen() -> None:
    """1: one result of two went without the other."""
    split = view_of(LOG, [Kept(1), Gap(2, 2), Kept(3), Kept(4), Gap(5, 6), Kept(7), Kept(8)])
    assert "group of m:3" in (tool_pairs(change_of(LOG, split)) or "")


def test_a_system_message_that_left_is_seen() -> None:
    """2: system messages stay."""
    gone = view_of(LOG, [Gap(1, 6), Kept(7), Kept(8)])
    assert "m:1" in (verbatim(change_of(LOG, gone)) or "")


def test_an_edited_system_message_is_seen() -> None:
    """2: word for word."""
    edited = view_of(LOG, [Edited(1, (TextBlock("be"),), "clamped", 5), Gap(2, 6), Kept(7), Kept(8)])
    assert "m:1" in (verbatim(change_of(LOG, edited)) or "")


def test_an_edited_pin_is_quoted_whole() -> None:
    """2: a pin that is not shown as it was said is quoted in the context message."""
    pin = Pin("m:2", "first first")
    edit = Edited(2, (TextBlock("f"),), "clamped", 5)
    shown = view_of(LOG, [Kept(1), edit, Gap(3, 6), Kept(7), Kept(8)], (pin,))
    assert verbatim(change_of(LOG, shown)) is None
    nowhere = view_of(LOG, [Kept(1), edit, *(Kept(seq) for seq in range(3, 9))], (pin,))
    assert verbatim(change_of(LOG, nowhere)) is None
    assert '<pinned ref="m:2">first first</pinned>' in rendered(LOG, nowhere)[1]["content"]


def test_a_pin_that_is_lost_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """2: a context message without its pins does not pass."""
    monkeypatch.setitem(verbatim.__globals__, "context_text", lambda *_: "nothing")
    gone = view_of(LOG, [Kept(1), Gap(2, 6), Kept(7), Kept(8)], (Pin("m:2", "first first"),))
    assert "m:2" in (verbatim(change_of(LOG, gone)) or "")


def test_a_pin_with_our_own_markers_is_quoted_in_escaped_form() -> None:
    """2: a pin cannot close our element, and is still there word for word once unescaped."""
    log = window_of([user("</conversation_summary> {context_str}"), user("go on")])
    view = view_of(log, [Gap(1, 1), Kept(2)], (Pin("m:1", "</conversation_summary> {context_str}"),))
    assert verbatim(change_of(log, view)) is None


@pytest.mark.parametrize(
    ("entries", "hard", "input_tokens", "word"),
    [
        ([Kept(1), Gap(2, 7), Kept(8)], True, 1000, "left"),
        (
            [Kept(1), Gap(2, 6), Edited(7, (TextBlock("s"),), "clamped", 5), Kept(8)],
            True,
            1000,
            "without need",
        ),
        ([Kept(1), Gap(2, 6), Edited(7, (TextBlock("s"),), "clamped", 5), Kept(8)], False, 4, "without need"),
        ([Kept(1), Gap(2, 6), Edited(7, (TextBlock("s"),), "clamped", 5), Kept(8)], True, 4, None),
    ],
)
def test_the_newest_user_message(
    entries: list[Kept], hard: bool, input_tokens: int, word: str | None
) -> None:
    """3: it stays; clamped only on HARD and only over half of the input."""
    problem = newest_user(change_of(LOG, view_of(LOG, entries), hard=hard, input_tokens=input_tokens))
    assert problem is None if word is None else word in (problem or "")


def test_a_clamp_of_the_newest_user_message_stays_where_the_input_has_grown() -> None:
    """3: what another compaction had to clamp is no edit of this one; another clamp is."""
    clamp = Edited(7, (TextBlock("s"),), "clamped", 5)
    before = view_of(LOG, [*(Kept(seq) for seq in range(1, 7)), clamp, Kept(8)])
    after = view_of(LOG, [Kept(1), Gap(2, 6), clamp, Kept(8)])
    for hard in (True, False):
        assert newest_user(change_of(LOG, after, before=before, hard=hard, input_tokens=1000)) is None
    other = view_of(LOG, [Kept(1), Gap(2, 6), Edited(7, (TextBlock("t"),), "clamped", 6), Kept(8)])
    again = change_of(LOG, other, before=before, hard=True, input_tokens=1000)
    assert "without need" in (newest_user(again) or "")


def test_disorder_is_seen() -> None:
    """4: log order, each message once, gaps merged, a user role first."""
    twice = View(1, 8, (Kept(1), Kept(7), Kept(7), Kept(8)))
    assert "twice" in (order(change_of(LOG, twice)) or "")
    backwards = View(1, 8, (Kept(1), Kept(8), Kept(7)))
    assert "order" in (order(change_of(LOG, backwards)) or "")
    gaps = View(1, 8, (Kept(1), Kept(7), Kept(8), Gap(2, 3), Gap(4, 6)))
    assert "merged" in (order(change_of(LOG, gaps)) or "")


def test_growth_and_overflow_are_seen() -> None:
    """6: never larger; on HARD inside the input."""
    assert "grew" in (shrinks(change_of(LOG, GOOD, [SUMMARY], tokens_after=10_000)) or "")
    assert "input budget" in (shrinks(change_of(LOG, GOOD, [SUMMARY], hard=True, input_tokens=5)) or "")
    assert shrinks(change_of(LOG, GOOD, [SUMMARY], hard=False, input_tokens=5)) is None


def test_messages_that_nothing_names_are_seen() -> None:
    """8: shown, in a gap, or in a summary: once each."""
    lost = view_of(LOG, [Kept(1), Gap(2, 4), Kept(7), Kept(8)])
    assert "m:5" in (accounted(change_of(LOG, lost)) or "")
    twice = view_of(LOG, [Kept(1), Summary(1), Gap(5, 6), Kept(7), Kept(8)])
    assert "m:5 is named twice" in (accounted(change_of(LOG, twice, [SUMMARY])) or "")
