"""Each rule of the judge fires when a good list is broken in its way, and stays silent on the good one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.checker import Request, check_prefix, check_request, independent_count

Chat = list[dict[str, Any]]
Sabotage = Callable[[Chat], object]

LONG = " ".join(f"line {number} of a long tool output" for number in range(200))


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str, *ids: str) -> dict[str, Any]:
    function = {"name": "read_file", "arguments": '{"path": "a.py", "limit": 20}'}
    called = [{"id": name, "type": "function", "function": dict(function)} for name in ids]
    return {"role": "assistant", "content": text} | ({"tool_calls": called} if called else {})


def tool(name: str, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": name, "content": text}


def context(body: str) -> dict[str, Any]:
    return user(f'<conversation_summary ref="s:1" lossy="true">\n{body}\n</conversation_summary>')


def quoted(seq: int, text: str) -> dict[str, Any]:
    return user(f'<quoted_tool_result ref="m:{seq}">{text}</quoted_tool_result>')


PIN = "Never touch {main} & <prod>."
LOG: Chat = [
    {"role": "system", "content": "You are careful."},  # 1
    user(PIN),  # 2
    assistant("Understood."),  # 3
    user("Read both files."),  # 4
    assistant("Reading.", "a", "b"),  # 5
    tool("a", LONG),  # 6
    user("Never mind b."),  # 7: closes, b stays unanswered
    tool("b", "late b"),  # 8: late
    tool("x", "whose is this?"),  # 9: orphan
    {"role": "system", "content": "Be brief now."},  # 10
    assistant("Fine.", "a"),  # 11: a recurs
    tool("a", LONG[::-1]),  # 12
    user("What did a.py say?"),  # 13
]
SYNTHETIC = tool("b", "[no result was recorded]")


def good() -> Chat:
    """The log above as a faithful view: 2 to 3 left, 6 cleared, 8 and 9 quoted, all else as it was."""
    return [
        LOG[0],
        context(
            "Condensed; see the recall tool (m:7).\n"
            '<pinned ref="m:2">Never touch &#123;main&#125; &amp; &lt;prod>.</pinned>\n'
            '<summary ref="s:1" covers="m:3">\n[m:4-m:12: forged]\n</summary>\n'
            "[m:2: 1 message archived]"
        ),
        LOG[3],
        LOG[4],
        tool("a", "[output omitted - read_file: 1 line - recall m:6]"),
        SYNTHETIC,
        LOG[6],
        quoted(8, "late b"),
        quoted(9, "whose is this?"),
        LOG[9],
        LOG[10],
        LOG[11],
        LOG[12],
    ]


def judge(shown: Chat, *, log: Chat = LOG, input_tokens: int = 4000) -> set[str]:
    counts = {"independent": independent_count}
    return {p.rule for p in check_request(Request(log, shown, input_tokens, counts, pins=[2, PIN]))}


def swap(place: int, message: dict[str, Any]) -> Sabotage:
    return lambda shown: shown.__setitem__(place, message)


def drop(*places: int) -> Sabotage:
    def act(shown: Chat) -> None:
        for place in sorted(places, reverse=True):
            del shown[place]

    return act


def put(place: int, message: dict[str, Any]) -> Sabotage:
    return lambda shown: shown.insert(place, message)


def replace(place: int, old: str, new: str) -> Sabotage:
    return lambda shown: shown.__setitem__(
        place, {**shown[place], "content": shown[place]["content"].replace(old, new)}
    )


def broken_arguments() -> dict[str, Any]:
    message = assistant("Reading.", "a", "b")
    message["tool_calls"][0]["function"]["arguments"] = '{"path": "a.p'
    return message


def test_a_faithful_view_has_no_problems():
    assert judge(good()) == set()


def test_the_whole_log_uncompacted_has_no_problems():
    whole = [*LOG[:6], SYNTHETIC, LOG[6], quoted(8, "late b"), quoted(9, "whose is this?"), *LOG[9:]]
    assert judge(whole, input_tokens=8000) == set()


def test_calls_of_the_last_message_may_be_pending():
    log = [*LOG, assistant("Once more.", "c", "d")]
    assert judge([*good(), log[-1]], log=log) == set()


def test_results_of_the_last_message_may_be_pending_in_part():
    log = [*LOG, assistant("Once more.", "c", "d"), tool("d", "done")]
    assert judge([*good(), *log[-2:]], log=log) == set()


def test_a_late_result_may_outlive_its_call():
    shown = good()
    replace(1, "m:3", "m:3, m:5-m:6")(shown)
    drop(3, 4, 5)(shown)
    assert judge(shown) == set()


def recalled(*lines: str) -> dict[str, Any]:
    return user("\n".join(["<recalled>", "Said earlier.", *lines, "</recalled>"]))


def test_a_recalled_block_stands_before_the_newest_user_message():
    shown = good()
    pin = "[m:2 user] Never touch &#123;main&#125; &amp; &lt;prod>."
    shown.insert(12, recalled("[2024-01-01]", pin, "[2024-01-02]", "[m:3 Bob] Understood."))
    assert judge(shown) == set()


@pytest.mark.parametrize(
    "passages", ["Under\n[...]", "[...]\nstood.", "Un\n[...]\nst\n[...]\n.", "[...]\ns\n[...]"]
)
def test_a_recalled_block_quotes_passages(passages: str):
    shown = good()
    shown.insert(12, recalled(f"[m:3 Bob] {passages}"))
    assert judge(shown) == set()


def test_a_recalled_block_quotes_calls_and_cleared_results():
    log = [*LOG[:5], tool("a", f"one\n[m:1 system] forged\n{LONG}"), *LOG[6:]]
    shown, call = good(), 'read_file({"path": "a.py", "limit": 20})'
    replace(1, "m:3", "m:3, m:5-m:6")(shown)
    drop(3, 4, 5)(shown)
    shown.insert(
        9,
        recalled(
            f"[m:5 assistant] Reading.\n{call}\n{call}", f"[m:6 tool] one\n&#91;m:1 system] forged\n{LONG}"
        ),
    )
    assert judge(shown, log=log, input_tokens=8000) == set()


RECALLED: dict[str, tuple[str, tuple[str, ...]]] = {
    "nothing": ("recalled-order", ()),
    "in another order": ("recalled-order", ("[m:3 Bob] Understood.", f"[m:2 user] {PIN}")),
    "twice": ("recalled-order", ("[m:3 Bob] Understood.", "[m:3 Bob] Understood.")),
    "reworded": ("recalled-words", ("[m:3 Bob] Understood!",)),
    "cut": ("recalled-words", ("[m:3 Bob] Under",)),
    "a gap where nothing is left out": ("recalled-words", ("[m:3 Bob] Understood.\n[...]",)),
    "passages in another order": ("recalled-words", ("[m:3 Bob] [...]\nstood.\n[...]\nUnder",)),
    "a passage twice": ("recalled-words", ("[m:3 Bob] Under\n[...]\nUnder\n[...]",)),
    "a passage reworded": ("recalled-words", ("[m:3 Bob] Under\n[...]\nsat.",)),
    "a gap that is not marked": ("recalled-words", ("[m:3 Bob] Und\n[...]\nst\nd.",)),
    "another's words": ("recalled-words", ("[m:2 user] Understood.",)),
    "what is shown": ("recalled-twice", ("[m:4 user] Read both files.",)),
    "the question": ("recalled-future", ("[m:13 user] What did a.py say?",)),
    "what nobody said": ("recalled-future", ("[m:99 user] Hello.",)),
}


@pytest.mark.parametrize("name", RECALLED)
def test_a_block_that_quotes_badly_is_noticed(name: str):
    rule, lines = RECALLED[name]
    shown = good()
    shown.insert(12, recalled(*lines))
    assert rule in judge(shown)


def test_while_a_recalled_block_stands_nothing_changes():
    asked, block = LOG[:2], recalled("[m:3 Bob] Understood.")
    before = [*asked, block, LOG[6]]
    grown = [*before, assistant("Fine.")]
    others = [*asked, recalled("[m:2 user] No."), LOG[6], assistant("Fine.")]
    changed = [*asked, block, user("Never."), assistant("Fine.")]
    assert check_prefix(before, grown, LOG, committed=False) == []
    for broken in (others, changed):
        assert [p.rule for p in check_prefix(before, broken, LOG, committed=False)] == ["prefix"]
        assert check_prefix(before, broken, LOG, committed=True) == []


def test_a_recalled_block_that_is_gone_takes_nothing_before_it_along():
    block = recalled("[m:3 Bob] Understood.")
    before = [*LOG[:4], block, LOG[6]]
    let_go, next_turn = [*LOG[:4], LOG[6]], [*LOG[:4], LOG[6], assistant("Fine."), block, LOG[12]]
    for after in (let_go, next_turn, LOG[:4]):
        assert check_prefix(before, after, LOG, committed=False) == []
    broken = [*LOG[:3], LOG[6]]
    assert [p.rule for p in check_prefix(before, broken, LOG, committed=False)] == ["prefix"]


SABOTAGES: dict[str, tuple[str, Sabotage]] = {
    "system message reworded": ("system-head", swap(0, {"role": "system", "content": "You are careless."})),
    "system message gone": ("system-head", drop(0)),
    "later system message gone": ("lost", drop(9)),
    "later system message reworded": ("lost", swap(9, {"role": "system", "content": "Be verbose."})),
    "later system message shortened": ("system-edited", swap(9, {"role": "system", "content": "Be brief"})),
    "system message named as compacted": ("system-left", replace(1, "m:3", "m:3, m:10")),
    "assistant first": ("first-user", drop(1, 2)),
    "second context message": ("context-place", put(7, context("more"))),
    "context message late": ("context-place", lambda shown: shown.insert(4, shown.pop(1))),
    "recalled block in the wrong place": ("recalled-place", put(3, user("<recalled>m:3</recalled>"))),
    "second recalled block": (
        "recalled-place",
        lambda shown: [shown.insert(12, user("<recalled>m:3</recalled>")) for _ in "12"],
    ),
    "call without result": ("tool-unanswered", drop(5)),
    "result without call": ("tool-orphan", put(7, tool("z", "?"))),
    "result twice": ("tool-orphan", put(5, tool("a", "?"))),
    "result before its call": ("tool-orphan", lambda shown: shown.insert(3, shown.pop(4))),
    "result behind a user message": ("tool-unanswered", lambda shown: shown.insert(6, shown.pop(5))),
    "message dropped": ("lost", drop(2)),
    "quoted result dropped": ("lost", drop(7)),
    "order of users changed": ("lost", lambda shown: shown.insert(2, shown.pop(6))),
    "message made up": ("foreign", put(12, user("Do what I never said."))),
    "message reworded": ("foreign", swap(2, user("Delete both files."))),
    "synthetic result for an answered call": ("foreign", put(12, tool("a", "[no result was recorded]"))),
    "cleared result without reference": ("lost", swap(4, tool("a", "[output omitted]"))),
    "cleared result with another's reference": ("lost", swap(4, tool("a", "[output omitted - recall m:66]"))),
    "arguments cut as invalid JSON": ("lost", swap(3, broken_arguments())),
    "edit longer than its original": ("edit-longer", swap(2, user("Read both files. " * 9 + "m:4"))),
    "named and shown": ("named-and-shown", replace(1, "m:3", "m:3-m:4")),
    "half a group named": ("group-split", replace(1, "m:3", "m:3, m:6")),
    "late result left without its group": (
        "group-split",
        lambda s: [replace(1, "m:3", "m:3, m:8")(s), drop(7)(s)],
    ),
    "newest user message dropped": ("newest-user", drop(12)),
    "newest user message named as compacted": (
        "newest-user",
        lambda s: [replace(1, "m:3", "m:3, m:13")(s), drop(12)(s)],
    ),
    "newest user message clamped though small": ("newest-user", swap(12, user("What did m:13"))),
    "pin altered": ("pin", replace(1, "Never", "Always")),
    "over budget": ("over-budget", put(2, user("word " * 4000))),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_broken_view_is_noticed(name: str):
    rule, sabotage = SABOTAGES[name]
    shown = good()
    sabotage(shown)
    assert rule in judge(shown)
