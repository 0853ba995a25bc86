"""Found by review: usage of another request, pins at odd moments, broken rungs, two writers."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction import Budget, Policy, Session, open_archive
from context_compaction.counting import CallableCounter
from context_compaction.errors import ArchiveUnavailable
from context_compaction.policy import layered, masking, truncating
from context_compaction.strategies import Scene, Strategy
from context_compaction.view import Edited, View
from tests.session.talks import dicts, filling, session, size, turns
from tests.windows import answers, asks, assistant, user

CHARS = CallableCounter(lambda text: len(text) // 4)


def looked_up(number: int, lines: int = 200) -> list[dict[str, Any]]:
    """A question, a call, and a long result."""
    call_id = f"c{number}"
    return [user(f"look at f{number}"), asks(call_id), answers(call_id, "some output line\n" * lines)]


def test_usage_larger_than_the_window_is_of_another_request() -> None:
    """A sum over several calls must not make the session believe that nothing fits any more."""
    s = session(window=1000)
    s.append(filling(600))
    s.context()
    s.after_turn({"prompt_tokens": 60_000, "completion_tokens": 500})
    s.append([assistant("yes"), user("and on")])
    assert len(s.context()) == len(filling(600)) + 2
    assert s.stats.tokens_seen < 700


def test_a_pin_on_a_cleared_result_quotes_it_and_masking_goes_on() -> None:
    """Nothing has left the view, so the quote alone makes the context message."""
    policy = Policy.masking(trigger=0.5, target=0.3, keep=0.1, keep_results=1)
    s = Session(budget=Budget(8192), policy=policy)
    for number in range(6):
        s.append(looked_up(number))
    s.context()
    edited = next(entry.seq for entry in s.view.head if isinstance(entry, Edited))
    s.pin(f"m:{edited}")
    for number in range(6, 10):
        s.append(looked_up(number))
        s.context()
    assert {event.outcome for event in s.events} == {"reduced"}
    whole = s.expand(f"m:{edited}")[0].text
    assert any(whole in message.text for message in s.context())


def test_a_pin_on_what_left_does_not_make_hard_give_up() -> None:
    """Quoting it costs tokens; truncating and clamping together still fit."""
    policy = Policy.truncating(trigger=1.0, target=0.3, keep=0.05)
    s = Session(budget=Budget(2048, reserve_tokens=512), policy=policy, counter=CHARS)
    s.append([user("p " * 1700), assistant("a " * 20), user("q")])
    s.compact()
    s.append(
        [assistant("old " * 480), user("read it " * 125), asks("a"), answers("a", "a line of text\n" * 190)]
    )
    s.pin("m:1")
    assert ("p " * 1700) in s.context()[0].text
    assert s.stats.tokens_seen <= 1536


def calibrated(policy: Policy, window: int, overhead: int, slope: float) -> Session:
    """A session whose provider counts ``overhead + slope`` of what we do."""
    s = Session(budget=Budget(window, reserve_tokens=1000), policy=policy, counter=CHARS)
    for _ in range(8):
        s.append([user("x " * 700), assistant("y " * 700), user("x " * 70)])
        raw = CHARS.messages(s.context())
        s.after_turn({"prompt_tokens": overhead + int(raw * slope), "completion_tokens": 1})
    return s


def test_clamping_goes_on_until_the_calibrated_count_fits() -> None:
    """A token of ours may be less than one of the provider's: one subtraction is not enough."""
    s = calibrated(Policy.truncating(trigger=1.0), 9000, 4500, 0.5)
    s.append([asks("a"), answers("a", "line of text number\n" * 2600)])
    s.context()
    assert s.stats.tokens_seen <= s.stats.input_tokens


def test_after_hard_the_context_fits_by_the_count_that_holds_then() -> None:
    """No second HARD for a line more."""
    s = calibrated(Policy.truncating(), 16_000, 6000, 0.5)
    s.append([asks("a"), answers("a", "line of text number\n" * 4500)])
    s.context()
    assert s.events[-1].level == "hard"
    assert s.stats.tokens_seen <= s.stats.input_tokens
    assert s.stats.tokens_seen == s.events[-1].tokens_after


class Broken(Strategy):
    """A rung that always raises."""

    name = "broken"

    def __init__(self) -> None:
        self.runs = 0

    def apply(self, scene: Scene) -> View:
        """Raises."""
        self.runs += 1
        raise ZeroDivisionError(f"{scene.tokens} tokens")


@pytest.mark.parametrize("post_turn", ["inline", "background"])
def test_a_rung_that_raises_is_told_once_and_waits_for_growth(post_turn: Any) -> None:
    """In the background too: an event, and no attempt after every message."""
    from context_compaction import Ladder, Rule

    rung = Broken()
    s = session(policy=Policy(post_turn=Rule(Ladder(rung), trigger=0.5)), post_turn=post_turn)
    s.append([*filling(700), assistant("so"), user("on")])
    for _ in range(4):
        s.after_turn()
        s.drain()
        s.append(user("more"))
    assert rung.runs == 1
    assert [(event.outcome, "ZeroDivisionError" in event.reason) for event in s.events] == [
        ("nothing_to_do", True)
    ]


def test_an_archive_that_fails_on_soft_is_told_and_not_asked_at_every_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The observer hears of it once, the turn goes on with the view as it was."""
    told: list[Any] = []
    s = session(policy=Policy(pre_turn=truncating(0.5)), observers=[told.append])

    def full(*_: object) -> None:
        raise ArchiveUnavailable("the disk is full")

    monkeypatch.setattr(type(s._archive), "commit", full)
    s.append([*filling(700), assistant("so"), user("on")])
    for _ in range(4):
        assert s.context()
        s.append(user("more"))
    assert [(event.outcome, "disk is full" in event.reason) for event in told] == [("nothing_to_do", True)]


def test_context_is_the_same_while_nothing_is_appended_though_a_plan_got_ready() -> None:
    """A retried request gets the same bytes; the plan is committed at the next turn."""
    s = session(policy=Policy(post_turn=truncating(0.5)), post_turn="background")
    s.append(filling(700))
    s.after_turn()
    first = dicts(s.context())
    work = s._core.ahead._work
    if work is not None:
        assert work.done.wait(10)
    assert dicts(s.context()) == first
    s.append([assistant("so"), user("on")])
    assert size(s.context()) < 600


def test_a_predicate_that_raises_stores_nothing() -> None:
    """All or none: a second try finds the log as it was."""
    seen: list[str] = []

    def picky(message: Any) -> bool:
        seen.append(message.text)
        if len(seen) == 1:
            raise KeyError("first time")
        return False

    s = session(is_pinned=picky)
    with pytest.raises(KeyError):
        s.append(user("hello"))
    s.append(user("hello"))
    assert dicts(s.history()) == [user("hello")]


def test_an_unpinned_message_stays_so_when_opened_again() -> None:
    """The predicate is asked once a message."""
    archive = open_archive(":memory:")
    options: Any = {"is_pinned": lambda message: "keep" in message.text}
    with session(archive, **options) as s:
        s.append(user("keep me"))
        s.unpin("m:1")
    with session(archive, **options) as s:
        assert s.pins == ()
        s.append(user("keep me too"))
        assert [pin.ref for pin in s.pins] == ["m:2"]


def test_two_sessions_on_one_conversation_see_each_other() -> None:
    """What one appends, compacts or pins, the other's next context shows."""
    archive = open_archive(":memory:")
    policy = Policy(pre_turn=truncating(0.5))
    one, two = session(archive, policy=policy), session(archive, policy=policy)
    one.append(user("never deploy on friday"))
    two.pin("m:1")
    one.append(turns(1, 6))
    assert any("never deploy on friday" in message.text for message in one.context())
    assert two.context() == one.context()
    assert two.expand("m:3") == one.expand("m:3")
    assert len(two.history()) == 13


def test_notes_by_another_counter_mean_nothing() -> None:
    """A curve of our counts against the provider's is one counter's own."""
    archive = open_archive(":memory:")

    def coarse(text: str) -> int:
        return len(text) // 20

    with Session(archive, budget=Budget(8192), counter=CHARS) as s:
        s.append(user("x " * 2000))
        s.context()
        s.after_turn({"prompt_tokens": 2500, "completion_tokens": 1})
        assert s.stats.tokens_seen > 2400
    with Session(
        archive, budget=Budget(8192), counter=coarse, policy=Policy(pre_turn=masking(), post_turn=layered())
    ) as s:
        assert s.stats.tokens_seen == s._core.state.live.renderer.tokens


def test_an_archive_lost_before_anybody_asked_for_a_view_fails_no_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The view is read when it is first asked for, which here is after the turn."""
    archive = open_archive(":memory:")
    s = Session(archive, budget=Budget(600, reserve_tokens=0))
    s.append(turns(1, 6))
    archive.close()
    assert s.after_turn() is None
    assert "no post-turn compaction" in caplog.text


def test_a_fork_before_two_forks_that_have_the_same_version() -> None:
    """Each of them has the version that it began with; the new one takes over what the last one had."""
    with open_archive(":memory:") as archive:
        s = session(archive, policy=Policy.masking())
        s.append(_looking_up(8))
        s.compact()
        first = s.view
        s.fork(24)
        s.append(_looking_up(3))
        s.fork(30)
        s.append(_looking_up(3))
        s.compact()
        assert (first.version, s.view.version) == (1, 2)
        s.fork(24)
        assert (len(s.history()), s.view.version, s.view.head_end) == (24, 2, 24)
        assert archive.view(s.branches()[-1].id, 1) == first
        assert archive.verify() == []


def _looking_up(count: int) -> list[dict[str, Any]]:
    return [message for _ in range(count) for message in (user("?"), asks("c"), answers("c", "line " * 60))]
