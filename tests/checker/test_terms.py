"""The judge's rules that need more than one request: clamping, prefix, re-arming, floor."""

from __future__ import annotations

from typing import Any

from tests.checker import Request, Terms, check_prefix, check_request, floor, independent_count
from tests.checker.log import pair
from tests.checker.rearming import Attempt, Rearming, check_rearming
from tests.checker.test_checker import LOG, Chat, assistant, context, good, tool, user

COUNTS = {"independent": independent_count}


def rules(log: Chat, shown: Chat, input_tokens: int) -> set[str]:
    return {problem.rule for problem in check_request(Request(log, shown, input_tokens, COUNTS))}


def test_the_newest_user_message_may_be_clamped_once_it_passes_half_of_the_input():
    log = [user("word " * 500)]
    shown = [user("word " * 20 + "[... m:1 ...]" + " word" * 20)]
    assert rules(log, [context("nothing left"), *shown], 600) == set()
    assert rules(log, [context("nothing left"), *shown], 4000) == {"newest-user"}


def test_assistant_text_of_the_newest_group_is_never_clamped():
    log = [user("Go."), assistant("word " * 100, "a"), tool("a", "word " * 300)]
    clamped = [log[0], log[1], tool("a", "word [... m:3 ...] word")]
    assert rules(log, clamped, 4000) == set()
    assert rules(log, [log[0], assistant("word", "a"), clamped[2]], 4000) == {"newest-group"}


def test_synthetic_results_have_one_text():
    log = [user("Go."), assistant("", "a", "b"), user("Stop.")]
    one, other = tool("a", "none"), tool("b", "none")
    assert rules(log, [*log[:2], one, other, log[2]], 4000) == set()
    assert rules(log, [*log[:2], one, tool("b", "nothing"), log[2]], 4000) == {"synthetic"}


def test_a_changed_system_message_supersedes():
    log = [{"role": "system", "content": "old"}, user("Hi."), {"role": "system", "content": "new"}]
    request = Request(log, [log[2], log[1]], 4000, COUNTS, superseded={1: 3})
    assert check_request(request) == []


def test_a_system_message_of_the_head_comes_between_no_call_and_its_result():
    """Wherever it is in the log: one that replaces another, and one that joins."""
    log = [
        {"role": "system", "content": "old"},
        user("Hi."),
        assistant("", "a", "b"),
        {"role": "system", "content": "new"},
        tool("a", "1"),
        {"role": "system", "content": "one more"},
        tool("b", "2"),
    ]
    shown = [log[3], log[5], log[1], log[2], log[4], log[6]]
    terms: dict[str, Any] = {"superseded": {1: 4}, "joined": [6]}
    assert check_request(Request(log, shown, 4000, COUNTS, **terms)) == []
    assert floor(log, Terms(4000, independent_count, **terms)).system == independent_count(shown[:2])
    wrong = check_request(Request(log, [*shown[1:], log[0]], 4000, COUNTS, **terms))
    assert {problem.rule for problem in wrong} >= {"system-head", "foreign"}
    assert check_request(Request(log, shown, 4000, COUNTS)) != []


def test_without_an_archive_nothing_is_named():
    marked = tool("a", "[output omitted - read_file: 1 line]")
    log = [
        user("Go."),
        assistant("", "a"),
        tool("a", "word " * 99),
        user("And?"),
        assistant("So."),
        user("Well?"),
    ]
    shown = [context("Something left."), log[1], marked, log[5]]
    assert check_request(Request(log, shown, 4000, COUNTS, references=False)) == []
    lost = check_request(Request(log, shown[:-1], 4000, COUNTS, references=False))
    assert {problem.rule for problem in lost} >= {"newest-user", "lost"}


def test_a_message_of_the_log_that_looks_like_ours_is_no_context_message():
    log = [user("Hi."), user("<conversation_summary>mine</conversation_summary>"), user("Ho.")]
    assert rules(log, log, 4000) == set()


def test_results_pair_with_the_latest_unanswered_call_of_their_id():
    pairing = pair([assistant("", "a"), assistant("", "a"), tool("a", "2"), tool("a", "1"), tool("a", "?")])
    assert (pairing.in_time, pairing.late, pairing.orphans) == ({3: (2, 0)}, {4: (1, 0)}, {5})


def test_a_request_begins_with_the_one_before():
    shown = [*good(), assistant("It said no.")]
    assert check_prefix(good(), shown, LOG, committed=False) == []
    assert check_prefix(shown, good(), LOG, committed=True) == []
    assert [p.rule for p in check_prefix(shown, good(), LOG, committed=False)] == ["prefix"]


def test_a_request_may_change_behind_the_place_of_the_recalled_block():
    before = [*good()[:-1], user("<recalled>m:3</recalled>"), LOG[-1]]
    assert check_prefix(before, [*good(), assistant("No.")], LOG, committed=False) == []
    assert check_prefix(before, good()[1:], LOG, committed=False) != []


TERMS = Rearming(trigger=800, min_reclaim=50, floor_at=lambda length: 100, slack=0)


def attempt(seq: int, before: int, after: int, *, side: str = "pre_turn") -> Attempt:
    return Attempt(side, before, after, after < before, seq)


def test_an_attempt_after_a_dip_or_a_gain_is_armed():
    assert check_rearming([attempt(10, 900, 500), attempt(11, 810, 500)], [], TERMS) == []
    assert check_rearming([attempt(10, 900, 850), attempt(11, 905, 850)], [], TERMS) == []
    assert check_rearming([attempt(10, 900, 900), attempt(14, 910, 900)], [(12, 700)], TERMS) == []
    assert check_rearming([attempt(10, 900, 900), attempt(11, 905, 500, side="post_turn")], [], TERMS) == []


def test_an_attempt_without_a_dip_or_a_gain_is_thrash():
    problems = check_rearming([attempt(10, 900, 900), attempt(11, 910, 880)], [(10, 900)], TERMS)
    assert [problem.rule for problem in problems] == ["no-rearming"]


def test_the_floor_is_itemised():
    log = [*LOG, assistant("Look.", "z"), tool("z", "word " * 900)]
    least = floor(log, Terms(1000, independent_count, overhead=7))
    assert least.overhead == 7
    assert least.system == independent_count([LOG[0], LOG[9]])
    assert least.newest_user == independent_count([LOG[12]])
    assert least.newest_group < 120
    assert least.holes == 2
    assert least.total == sum(
        [least.overhead, least.system, least.newest_user, least.newest_group, least.context, least.pins]
    )


def test_the_floor_clamps_the_newest_user_message_only_past_half_of_the_input():
    log = [user("word " * 900)]
    assert floor(log, Terms(4000, independent_count)).newest_group == independent_count(log)
    assert floor(log, Terms(1000, independent_count)).newest_group < 120


def test_the_floor_tells_what_it_forces_and_what_it_justifies():
    least = floor([assistant("word " * 500)], Terms(4000, independent_count))
    assert least.forces(least.total - 1)
    assert not least.forces(least.total)
    assert least.justifies(least.total)
    assert not least.justifies(least.total + 500)


def test_pins_and_unanswered_calls_raise_the_floor():
    log = [user("Keep this."), assistant("", "a"), user("Go on.")]
    bare = floor(log, Terms(4000, independent_count))
    pinned = floor(log, Terms(4000, independent_count, pins=[1, "Be kind."]))
    assert pinned.pins == independent_count([log[0], user("Be kind.")])
    assert pinned.total > bare.total
    late = [*log, tool("a", "late")]
    assert floor(late, Terms(4000, independent_count)).newest_group > independent_count([log[1], late[3]])


def test_what_a_list_costs_is_no_part_of_a_message():
    """One that is just under half of the input is not clamped, though a list of it alone is over."""
    log = [user("word " * 148)]
    assert floor(log, Terms(300, lambda messages: 3 + 148 * len(messages))).newest_user == 0
    behind = [*log, assistant("", "a")]
    assert floor(behind, Terms(300, lambda messages: 3 + 148 * len(messages))).newest_user == 148


def test_a_log_that_begins_with_the_assistant_needs_a_context_message():
    """The first message behind the system head has user role, though nothing has left."""
    terms = Terms(4000, independent_count)
    assert floor([assistant("word")], terms).context == 48
    assert floor([user("Go."), assistant("word")], terms).context == 0
