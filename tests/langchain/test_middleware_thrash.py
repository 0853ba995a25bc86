"""How often other middlewares were seen to compact again, or to change what was sent; ours must not."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from context_compaction import Policy
from context_compaction.policy import layered
from context_compaction.testing.drafters import ScriptedDrafter
from tests.langchain.asking import Asking, asking, call, chat, result, steps


def turns(run: Asking, count: int, words: int = 40) -> None:
    for turn in chat(count, words=words)[::2]:
        run.ask(turn)


def stays(before: list[BaseMessage], now: list[BaseMessage]) -> bool:
    return [(each.type, each.content) for each in now[: len(before)]] == [
        (each.type, each.content) for each in before
    ]


def test_keeping_more_than_the_trigger():
    """Seen: 45 summaries in 50 turns."""
    drafter = ScriptedDrafter()
    run = asking(drafter=drafter, trigger=("tokens", 800), keep=("messages", 20), window=16_384)
    turns(run, 50)
    assert drafter.calls <= 10


def test_one_message_larger_than_what_is_to_be_kept():
    """Seen: the summary summarised again at each of three model calls."""
    drafter = ScriptedDrafter()
    run = asking(drafter=drafter, trigger=("tokens", 1000), keep=("tokens", 300), window=16_384)
    run.ask(*chat(3), HumanMessage("lorem ipsum " * 3000))
    first = drafter.calls
    turns(run, 5, words=5)
    assert drafter.calls <= first + 1


def test_many_results_of_one_call():
    """Seen: 13,269 tokens stay, and a summary at every model call from then on."""
    drafter = ScriptedDrafter()
    run = asking(drafter=drafter, window=8192)
    sent = run.ask(HumanMessage("look"), call(1, 58), *(result(1, place, words=120) for place in range(58)))
    assert run.model.overflows == 0
    assert sum(message.type == "tool" for message in sent) == 58
    before = run.commits
    run.ask(HumanMessage("and?"))
    run.ask(HumanMessage("so?"))
    assert drafter.calls <= 2
    assert run.commits <= before + 2


def test_what_was_sent_changes_only_by_a_compaction():
    """Seen: on 82 of 99 turns a message that had been sent was another one."""
    run = asking(window=8192, post_turn="inline")
    known, changed = 0, 0
    before: list[BaseMessage] = []
    for number in range(100):
        now = run.ask(HumanMessage(f"step {number}"), *steps(1, first=number))
        committed, known = run.commits > known, run.commits
        # A compaction after the answer shows at the next request.
        changed += not stays(before, now)
        assert stays(before, now) or committed or changed <= run.commits
        before = now
    assert 0 < changed <= run.commits < 15
    assert run.model.overflows == 0


def test_compactions_of_a_hundred_turns():
    """Seen: 15 summaries a hundred turns, at .85 and .10."""
    drafter = ScriptedDrafter()
    run = asking(drafter=drafter, trigger=("fraction", 0.85), keep=("fraction", 0.1), window=8192)
    turns(run, 100)
    assert 0 < drafter.calls < 15


def test_any_of_several_triggers_fires():
    rule: Any = [("tokens", 100_000), ("messages", 10)]
    run = asking(trigger=rule, window=200_000)
    turns(run, 5, words=150)
    assert run.commits == 0
    turns(run, 3, words=150)
    assert run.commits
    assert len(run.model.seen[-1]) <= 10


def test_a_trigger_far_under_the_window():
    """A share of the window would be more than what it is to free, and nothing would ever be compacted."""
    run = asking(trigger=("tokens", 2000), window=200_000)
    turns(run, 60)
    assert run.commits > 1
    assert run.session.stats.tokens_seen < 2500


def test_a_policy_of_ones_own():
    run = asking(policy=Policy.both(layered(("messages", 6), keep=("messages", 2))))
    turns(run, 8)
    assert run.commits
