"""What a session shows a model, judged by the checker alone."""

from __future__ import annotations

import json
import re
from typing import Any

from context_compaction import Budget, CannotCompact, Message, Session, TokenCounter
from context_compaction.counting import CallableCounter
from context_compaction.view import Pin
from tests.checker import Request, Terms, check_request, floor
from tests.machine.model import BranchModel, Dict, pin_text

COUNTER: TokenCounter = CallableCounter(lambda text: len(text) // 4 + 1)
"""Fast, and much the same for every kind of text."""
BUDGET = Budget(context_window=1000, reserve_tokens=100)
"""Small, but a summary is worth writing: at most 15 % of the input, and 96 tokens at least."""
_SEQ = re.compile(r"m:(\d+)")


def count(messages: Any) -> int:
    """The session's own counter, over plain dicts."""
    return COUNTER.messages(Message.from_openai(dict(message)) for message in messages)


def judge(session: Session, branch: BranchModel) -> None:
    """Ask for a context: it keeps every promise, and comes again as it was; or what must stay cannot fit."""
    log = [said.message for said in branch.log]
    superseded = {said.replaces: seq for seq, said in enumerate(branch.log, 1) if said.replaces}
    joined = [seq for seq, said in enumerate(branch.log, 1) if said.replaces == 0]
    try:
        shown = [message.to_openai() for message in session.context()]
    except CannotCompact:
        pins = [named(pin, log) for pin in branch.pins]
        terms = Terms(BUDGET.input_tokens, count, pins=pins, superseded=superseded, joined=joined)
        assert floor(log, terms).justifies(BUDGET.input_tokens)
        return
    # Pins that were set since the last compaction show at the next one.
    pins = [named(pin, log) for pin in branch.pins if pin in {(p.seq, p.text) for p in session.view.pins}]
    request = Request(
        log,
        shown,
        BUDGET.input_tokens,
        {"own": count},
        pins=[pin for pin in pins if pin not in superseded],
        superseded=superseded,
        joined=joined,
    )
    assert all(_heard(pin, log) for pin in session.view.pins if pin.heard)
    pruned = {seq for seq, said in enumerate(branch.log, 1) if said.pruned}
    wrong = [
        problem
        for problem in check_request(request)
        if not (problem.rule in ("newest-user", "newest-group") and seq_of(problem.where) in pruned)
    ]
    assert wrong == [], json.dumps(shown, indent=1)
    assert [message.to_openai() for message in session.context()] == shown


def _heard(pin: Pin, log: list[Dict]) -> bool:
    """Whether the user said so, there."""
    return log[pin.seq - 1]["role"] == "user" and pin.text in pin_text(log[pin.seq - 1])


def named(pin: tuple[int, str], log: list[Dict]) -> int | str:
    """A pin as the checker takes it: the whole message, or some text."""
    seq, text = pin
    return seq if text == pin_text(log[seq - 1]) else text


def seq_of(where: str) -> int:
    """The number that a problem names."""
    found = _SEQ.fullmatch(where)
    return int(found[1]) if found else 0
