"""Design §4 as properties: generated conversations through a session, every request judged independently."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from context_compaction import Budget, CannotCompact, Message, Policy, Session, TokenCounter, compact
from context_compaction.counting import CallableCounter
from tests.checker import Request, check_prefix, check_request
from tests.checker.budget import check_budget
from tests.checker.floor import Terms, floor
from tests.checker.problem import ChatMessage
from tests.checker.structure import check_structure
from tests.histories import NASTY, histories, wide_batch

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
EXAMPLES = 400 if os.environ.get("HYPOTHESIS_PROFILE") == "storm" else 60
"""For each preset: generated conversations, each with a dozen requests."""
PRESETS = ("layered", "masking", "truncating", "extractive", "anchored")
WORDS: TokenCounter = CallableCounter(lambda text: len(text) // 4 + 1)
"""Fast, so that many conversations can be tried."""


def count(messages: Any) -> int:
    """The session's own counter, over plain dicts."""
    return WORDS.messages(Message.from_openai(dict(message)) for message in messages)


def plain(messages: list[Message]) -> list[dict[str, Any]]:
    return [message.to_openai() for message in messages]


class Judge:
    """A session under test with the log that it is judged by."""

    def __init__(self, policy: Policy, window: int, pinned: set[int] | None = None) -> None:
        self.log: list[dict[str, Any]] = []
        self.previous: list[dict[str, Any]] | None = None
        self.seen_events = 0
        self.pinned = pinned or set()
        self.budget = Budget(context_window=window, reserve_tokens=window // 10)
        self.session = Session(
            budget=self.budget,
            policy=policy,
            counter=WORDS,
            is_pinned=lambda message: any(
                seq <= len(self.log) and self.log[seq - 1] == message.to_openai() for seq in self.pinned
            ),
        )

    def append(self, batch: list[dict[str, Any]]) -> None:
        self.log += batch
        self.session.append(batch)

    def pins(self) -> list[int]:
        return sorted({pin.seq for pin in self.session.pins})

    def request(self) -> None:
        """Ask for a context and judge it, or judge the refusal."""
        try:
            shown = plain(self.session.context())
        except CannotCompact:
            terms = Terms(self.budget.input_tokens, count, pins=self.pins())
            assert floor(self.log, terms).justifies(self.budget.input_tokens)
            return
        request = Request(self.log, shown, self.budget.input_tokens, {"own": count}, pins=self.pins())
        problems = check_request(request)
        events = self.session.events
        committed = any(event.committed for event in events[self.seen_events :])
        if self.previous is not None:
            problems += check_prefix(self.previous, shown, self.log, committed)
        self.previous, self.seen_events = shown, len(events)
        assert problems == []
        assert plain(self.session.context()) == shown

    def finish(self) -> None:
        """Nothing was lost: the log comes back equal and every summary leads to its messages."""
        assert plain(self.session.history()) == self.log
        for number in self.session.view.summaries:
            originals = plain(self.session.expand(f"s:{number}"))
            assert originals
            assert all(message in self.log for message in originals)
        self.session.close()


@pytest.mark.parametrize("preset", PRESETS)
@given(history=histories(8), window=st.sampled_from((300, 700, 2000)), data=st.data())
@settings(max_examples=EXAMPLES, suppress_health_check=QUIET)
def test_every_request_keeps_every_promise(
    preset: str, history: list[list[ChatMessage]], window: int, data: st.DataObject
) -> None:
    """Structure, conservation, budget, prefix and idempotence hold whatever is said, with every preset."""
    total = sum(map(len, history))
    pinned = data.draw(st.sets(st.integers(1, total), max_size=3))
    judge = Judge(Policy.named(preset), window, pinned)
    for batch in history:
        judge.append([dict(message) for message in batch])
        action = data.draw(st.sampled_from(("context", "context", "after_turn", "compact", "nothing")))
        if action == "after_turn":
            judge.session.after_turn()
        elif action == "compact":
            try:
                judge.session.compact()
            except CannotCompact:
                pytest.fail("a compaction by hand is never HARD")
        if action != "nothing":
            judge.request()
    judge.request()
    judge.finish()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("text", NASTY)
def test_payloads_that_look_like_ours(preset: str, text: str) -> None:
    """Our own markers, templates, surrogates and NUL inside messages change nothing but themselves."""
    judge = Judge(Policy.named(preset), 700)
    for turn in range(12):
        judge.append([{"role": "user", "content": f"{text} {turn} " + "filler " * 40}])
        judge.request()
        judge.append([{"role": "assistant", "content": f"{turn}: {text}"}])
    judge.finish()


@pytest.mark.parametrize("preset", PRESETS)
def test_a_wide_batch_is_one_group(preset: str) -> None:
    """Sixty results at once: clamped while they are the newest group, then gone together."""
    judge = Judge(Policy.named(preset), 9000)
    judge.append([{"role": "user", "content": "look everything up"}])
    judge.append(wide_batch())
    judge.request()
    judge.append([{"role": "assistant", "content": "that is much"}, {"role": "user", "content": "go on"}])
    judge.request()
    judge.finish()


@pytest.mark.parametrize("preset", PRESETS)
def test_one_message_over_the_window(preset: str) -> None:
    """The newest user message is clamped, never dropped; a huge result too; the originals stay whole."""
    judge = Judge(Policy.named(preset), 1000)
    judge.append([{"role": "user", "content": "x" * 100_000}])
    judge.request()
    judge.append([{"role": "assistant", "content": "ok"}, {"role": "user", "content": "word " * 20_000}])
    judge.request()
    judge.append(wide_batch(1, 5000))
    judge.request()
    judge.finish()


@pytest.mark.parametrize("preset", PRESETS)
def test_everything_pinned(preset: str) -> None:
    """Pins stay word for word until they do not fit; then the floor says so and nothing is lost."""
    judge = Judge(Policy.named(preset), 1500, set(range(1, 41)))
    for turn in range(20):
        judge.append([{"role": "user", "content": f"rule {turn} " + "filler " * 25}])
        judge.request()
        judge.append([{"role": "assistant", "content": f"noted {turn}"}])
    judge.finish()


@given(history=histories(), window=st.sampled_from((300, 900)), preset=st.sampled_from(PRESETS))
@settings(max_examples=EXAMPLES, suppress_health_check=QUIET)
def test_stateless_keeps_the_same_promises(
    history: list[list[ChatMessage]], window: int, preset: str
) -> None:
    """`compact` gives a list that fits and holds no reference that nobody could look up."""
    said = [message for batch in history for message in batch]
    log = [{**message, "tag": seq} for seq, message in enumerate(said, 1)]
    budget = Budget(context_window=window, reserve_tokens=window // 10)
    try:
        messages, event = compact(log, budget=budget, policy=Policy.named(preset), counter=WORDS)
    except CannotCompact:
        assert floor(log, Terms(budget.input_tokens, count)).justifies(budget.input_tokens)
        return
    shown = plain(messages)
    request = Request(log, shown, budget.input_tokens, {"own": count}, references=False)
    assert [*check_structure(request), *check_budget(request)] == []
    tags = [message["tag"] for message in shown if "tag" in message]
    assert tags == sorted(set(tags))
    must = {seq for seq, message in enumerate(said, 1) if message["role"] in ("system", "developer")}
    users = [seq for seq, message in enumerate(said, 1) if message["role"] == "user"]
    assert must.union(users[-1:]) <= set(tags)
    assert event.tokens_after <= event.tokens_before
    ours = "".join(str(message["content"]) for message in shown if "tag" not in message)
    assert not any(f'ref="m:{seq}"' in ours for seq in range(2, len(log) + 1))


@given(history=histories(), window=st.sampled_from((300, 900)), preset=st.sampled_from(PRESETS))
@settings(max_examples=EXAMPLES, suppress_health_check=QUIET)
def test_the_same_conversation_gives_the_same_bytes(
    history: list[list[ChatMessage]], window: int, preset: str
) -> None:
    """Two sessions that are told the same at the same moments show the same, byte for byte."""

    def run(session_id: str) -> list[str]:
        out: list[str] = []
        budget = Budget(context_window=window)
        with Session(
            session_id=session_id, budget=budget, policy=Policy.named(preset), counter=WORDS
        ) as session:
            for batch in history:
                session.append([dict(message) for message in batch])
                try:
                    out.append(json.dumps(plain(session.context())))
                except CannotCompact as error:
                    out.append(str(error))
                session.after_turn()
        return out

    assert run("one") == run("two")
