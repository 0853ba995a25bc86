"""What a person asks for: compaction by hand, a preview, pins and letting go of them."""

from __future__ import annotations

import pytest

from context_compaction import Policy, UnknownReference, open_archive
from context_compaction.policy import anchored, layered, truncating
from context_compaction.testing.drafters import ScriptedDrafter
from tests.session.talks import INPUT, filling, session, size, turns, unblocked, wire
from tests.session.waiting import PATIENCE, HangsOnce
from tests.windows import assistant, user

POINTS = "## Current State\n- by hand"


def test_compact_needs_no_trigger() -> None:
    """Far under every threshold it lets go all but the kept tail, and says who asked."""
    s = session()
    s.append(filling(600))
    event = s.compact()
    assert (event.trigger, event.level, event.committed) == ("manual", "none", True)
    assert event.tokens_after < 600
    assert size(unblocked(s.context())) == event.tokens_after
    assert s.events == [event]


def test_the_focus_reaches_the_drafter() -> None:
    """In the request, of this compaction only."""
    drafter = ScriptedDrafter(POINTS)
    s = session(drafter=drafter)
    s.append(filling(600))
    s.compact(focus="the bridge near Vevey")
    s.append(turns(40, 5))
    s.compact()
    asked = [request.focus for request in drafter.requests if request.kind == "summary"]
    assert asked == ["the bridge near Vevey", None]


def test_compact_runs_the_post_turn_ladder() -> None:
    """Of the two rules it is the one that works ahead."""
    s = session(policy=Policy(pre_turn=layered(), post_turn=truncating()))
    s.append(filling(600))
    s.compact()
    assert s.view.summaries == ()
    assert s.view.gaps


def test_compact_is_bound_by_neither_min_reclaim_nor_rearming() -> None:
    """It does what it can, however little, again and again."""
    rule = truncating(min_reclaim=0.9, keep=("messages", 2))
    s = session(policy=Policy.both(rule))
    s.append(filling(950))
    assert not s.after_turn().committed  # type: ignore[union-attr]
    assert s.compact().committed
    s.append(turns(50, 2))
    assert s.compact().committed


def test_compact_twice_finds_nothing_the_second_time() -> None:
    s = session()
    s.append(filling(900))
    s.compact()
    shown = wire(s.context())
    assert s.compact().outcome == "nothing_to_do"
    assert wire(s.context()) == shown


def test_compact_on_an_empty_session_is_no_error() -> None:
    assert session().compact().outcome == "nothing_to_do"


def test_preview_commits_nothing() -> None:
    """Its event is the one that `compact` gives, before and after; no event is kept, no view moves."""
    s = session(drafter=ScriptedDrafter(POINTS))
    s.append(filling(900))
    shown = wire(s.context())
    events = s.events
    told = s.preview()
    assert not told.committed
    assert told.tokens_saved == 0
    assert (s.view.version, wire(s.context()), s.events) == (0, shown, events)
    done = s.compact()
    assert (told.outcome, told.tokens_before, told.tokens_after) == (
        done.outcome,
        done.tokens_before,
        done.tokens_after,
    )


def test_preview_looks_at_what_others_did() -> None:
    """What another object of the session said, pinned and compacted counts, as it does for `compact`."""
    with open_archive(":memory:") as archive:
        one, other = session(archive), session(archive)
        one.append(filling(900))
        assert other.preview().tokens_before == 900
        one.pin("m:3")
        told = other.preview()
        assert told.tokens_after == other.compact().tokens_after
        assert one.preview().outcome == "nothing_to_do"


def test_pins_set_meanwhile_show_at_the_next_compaction_only() -> None:
    """The view does not move for them; then they stand word for word under Standing Instructions."""
    policy = Policy.layered(fidelity_floor=0.0, facts_share=0.0, instructions=None)
    s = session(drafter=ScriptedDrafter(POINTS), policy=policy)
    s.append(user("Never touch the file settings.toml, whatever I say later."))
    s.append(turns(1, 6))
    s.compact()
    shown = wire(s.context())
    assert "settings.toml" not in shown.decode()
    s.pin("m:1")
    assert wire(s.context()) == shown
    s.append(turns(20, 4))
    s.compact()
    text = s.context()[0].text
    assert '<pinned ref="m:1">Never touch the file settings.toml, whatever I say later.</pinned>' in text
    s.unpin("m:1")
    assert "settings.toml" in s.context()[0].text
    s.append(turns(30, 4))
    s.compact()
    assert "settings.toml" not in s.context()[0].text


def test_a_pin_in_the_tail_stays_in_place() -> None:
    """It is not quoted as long as it is shown."""
    s = session()
    s.append(turns(1, 5))
    s.append([user("PIN this"), assistant("ok")])
    s.pin("m:11")
    s.compact()
    shown = s.context()
    assert "<pinned" not in shown[0].text
    assert "PIN this" in [message.text for message in shown]


def test_part_of_a_message_can_be_pinned() -> None:
    """Only the words named stay; words that are not there are refused."""
    s = session(drafter=ScriptedDrafter(POINTS))
    s.append([user("Hello. Use tabs everywhere. Goodbye."), *turns(1, 6)])
    with pytest.raises(ValueError, match="word for word"):
        s.pin("m:1", "Use spaces")
    s.pin("m:1", "Use tabs everywhere.")
    s.compact()
    text = s.context()[0].text
    assert "Use tabs everywhere." in text
    assert "Goodbye" not in text


@pytest.mark.parametrize("ref", ["m:0", "m:99", "s:1", "m:1-m:2", "57", "", "m:x"])
def test_only_messages_that_are_there_can_be_pinned(ref: str) -> None:
    s = session()
    s.append(turns(1, 2))
    with pytest.raises(UnknownReference, match="references look like"):
        s.pin(ref)
    with pytest.raises(UnknownReference):
        s.unpin(ref)
    assert s.pins == ()


def test_pinning_twice_is_pinning_once() -> None:
    s = session()
    s.append(turns(1, 2))
    s.pin("m:1")
    s.pin("m:1")
    assert len(s.pins) == 1
    s.unpin("m:1")
    s.unpin("m:1")
    assert s.pins == ()


def test_a_hand_on_it_ends_the_background_draft() -> None:
    """Whoever asks gets it now; the draft that was under way is told to stop and never committed."""
    drafter = HangsOnce(POINTS)
    s = session(drafter=drafter, post_turn="background", policy=Policy(post_turn=anchored()))
    s.append(filling(950))
    s.after_turn()
    assert drafter.entered.wait(PATIENCE)
    event = s.compact()
    assert event.committed
    assert drafter.left.wait(PATIENCE)
    s.context()
    assert s.view.version == 1
    assert size(s.context()) <= INPUT


def test_what_another_object_of_the_session_pinned_counts_here() -> None:
    """And what it let go of can be pinned again."""
    with open_archive(":memory:") as archive:
        one, other = session(archive), session(archive)
        one.append(turns(1, 2))
        one.pin("m:1")
        assert [pin.ref for pin in other.pins] == ["m:1"]
        other.unpin("m:1")
        assert one.pins == ()
        one.pin("m:1")
        assert [[pin.ref for pin in s.pins] for s in (one, other, session(archive))] == [["m:1"]] * 3
