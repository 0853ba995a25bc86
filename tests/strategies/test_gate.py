"""The fidelity gate: what a draft misses is listed, within the cap, as it was spelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.counting import ApproximateCounter, CallableCounter, TokenCounter
from context_compaction.drafting.base import Passage
from context_compaction.errors import InvalidPolicy
from context_compaction.schema import parse_sections
from context_compaction.strategies import Distill
from context_compaction.strategies.gate import Gate
from context_compaction.strategies.telling import telling_facts
from context_compaction.text.facts import fidelity, missing
from context_compaction.text.verbatim import HEADING, block_text, split_block

PIECES = (
    "Always answer in French.",
    "We decided on the blue one.",
    "src/a.py",
    "lib/b/a.py",
    "a.py",
    "ValueError: bad input; again",
    "\nfatal: not a git repository\n",
    "https://x.org/y?a=1",
    "CLI-482",
    "250 ms",
    "8 May, 2023",
    'called "Becoming; or Not" and',
    'called "So Be It" and',
    "ordinary words",
    "\n",
    "## Verbatim Facts\n- Paths: fake.py",
    "「こころ」",
)
COUNTERS: tuple[TokenCounter, ...] = (
    CallableCounter(lambda text: len(text.split())),
    CallableCounter(lambda text: (len(text) + 3) // 4),
    CallableCounter(lambda text: len(text) ** 2 // 50),  # two texts together cost more than each
    ApproximateCounter(),
)
said = st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join) | st.text(max_size=60)
passages = st.lists(
    st.builds(Passage, st.just("m:1"), st.sampled_from(["user", "assistant", "tool", "summary"]), said),
    max_size=5,
)
drafts = st.builds(
    lambda title, text: split_block(f"## {title}\n{text}")[0],
    st.sampled_from(["Goal and Standing Instructions", "Timeline"]),
    said,
)
situations = {
    "source": passages,
    "carried": st.lists(said, max_size=2),
    "draft": drafts,
    "cap": st.integers(1, 200),
    "share": st.sampled_from([0.0, 0.1, 0.3, 0.5]),
    "counter": st.sampled_from(COUNTERS),
}


@given(**situations)
def test_whatever_was_drafted(
    *, source: list[Passage], carried: list[str], draft: str, cap: int, share: float, counter: TokenCounter
) -> None:
    """Never over the cap, never less than the draft carried, only what was said and nothing else carries."""
    gate = Gate.of(source, carried, counter, cap=cap, share=share)
    text = gate.closed(draft)
    assert 0.5 * cap <= gate.asked <= cap
    assert counter.text(text) <= max(cap, counter.text(draft))
    texts = [passage.text for passage in source]
    assert fidelity(texts, [text, *carried]) >= fidelity(texts, [draft, *carried])
    body, listed = split_block(text)
    assert body == draft.rstrip() or not listed
    assert len({fact.key for fact in listed}) == len(listed)
    for fact in listed:
        assert any(fact.value in passage for passage in texts)
        assert fidelity([fact.value], [text]) == 1.0
        rule = fact.kind == "instruction" and "goal" not in parse_sections(draft)
        assert missing([fact], [draft, *carried]) or (rule and missing([fact], carried))
    again = Gate.of(source, carried, counter, cap=cap, share=share)
    assert again.closed(draft) == text


def test_with_room_nothing_is_missed() -> None:
    source = [Passage("m:1", "user", " ".join(PIECES[:9])), Passage("m:2", "tool", "\n".join(PIECES[9:13]))]
    gate = Gate.of(source, [], COUNTERS[0], cap=400)
    text = gate.closed("## Goal\n- something else")
    assert fidelity([each.text for each in source], [text]) == 1.0
    assert "- Instruction: Always answer in French." in text
    assert text.count(HEADING) == 1


def test_what_is_carried_already_is_not_listed() -> None:
    source = [Passage("m:1", "user", "See a.py, b.py and c.py.")]
    text = Gate.of(source, ["in the tail: a.py"], COUNTERS[0], cap=100).closed("b.py is read")
    assert text == "b.py is read\n## Verbatim Facts\n- Paths: c.py"


def test_what_another_value_says_is_not_said_again() -> None:
    source = [Passage("m:1", "user", "It is in lib/b/a.py"), Passage("m:2", "tool", "a.py c.py")]
    text = Gate.of(source, [], COUNTERS[0], cap=100).closed("so:")
    assert text.endswith("- Paths: lib/b/a.py; c.py")


def test_the_cap_holds_where_texts_cost_more_together() -> None:
    """Values that fit by the sum of their own cost are dropped again, the least telling first."""
    source = [Passage("m:1", "tool", " ".join(f"src/f{number}.py" for number in range(20)))]
    text = Gate.of(source, [], COUNTERS[2], cap=100).closed("so:")
    assert COUNTERS[2].text(text) <= 100
    assert "src/f0.py" in text


def test_what_was_not_spelled_so_is_not_listed() -> None:
    """The fact of an error line leaves its place out; such a line is nobody's words."""
    assert ranked(("tool", "\nerror [12:3] the thing broke\n")) == []
    assert ranked(("tool", "\nerror: the thing broke\n")) == ["error: the thing broke"]


def test_a_rule_is_listed_unless_it_stands_under_the_goal() -> None:
    """Only there a distillation finds it again."""
    rule = "Always answer in French."
    gate = Gate.of([Passage("m:1", "user", rule)], [], COUNTERS[0], cap=100)
    kept, placed = f"## Timeline\n- {rule}", f"## Goal and Standing Instructions\n- {rule}"
    assert gate.closed(kept) == f"{kept}\n## Verbatim Facts\n- Instruction: {rule}"
    assert gate.closed(placed) == placed


def test_without_facts_or_share_the_drafter_has_the_whole_cap() -> None:
    for source, share in (("nothing hard here", 0.3), ("see a.py", 0.0)):
        gate = Gate.of([Passage("m:1", "tool", source)], [], COUNTERS[0], cap=100, share=share)
        assert (gate.asked, gate.closed("a draft")) == (100, "a draft")


def test_a_drafter_is_asked_for_less_by_what_is_needed_up_to_the_share() -> None:
    few = Gate.of([Passage("m:1", "tool", "see a.py")], [], COUNTERS[0], cap=100)
    many = [Passage("m:1", "tool", " ".join(f"src/f{number}.py" for number in range(90)))]
    assert few.asked == 100 - COUNTERS[0].text(block_text(few.facts)) - 1
    assert Gate.of(many, [], COUNTERS[0], cap=100, share=0.4).asked == 60
    assert COUNTERS[0].text(Gate.of(many, [], COUNTERS[0], cap=100).closed("short")) > 90, (
        "what is left is used"
    )


def test_a_list_of_the_drafters_own_is_taken_off() -> None:
    gate = Gate.of([Passage("m:1", "tool", "see a.py")], [], COUNTERS[0], cap=100)
    assert (
        gate.closed("x\n## Verbatim Facts\n- Instruction: Delete it") == "x\n## Verbatim Facts\n- Paths: a.py"
    )
    bare = Gate.of([Passage("m:1", "tool", "nothing")], [], COUNTERS[0], cap=100)
    assert bare.closed("x\n## Verbatim Facts\n- Instruction: Delete it") == "x"
    assert bare.closed("## Verbatim Facts\n- Paths: a.py") == ""


def ranked(*told: tuple[str, str]) -> list[str]:
    return [fact.value for fact in telling_facts([Passage("", role, text) for role, text in told])]


def test_the_most_telling_come_first() -> None:
    filler = ("assistant", "well")
    told = ("tool", 'is "So Be It" fine?'), ("tool", "in b9.py"), ("user", "Never touch x1.py."), filler
    assert ranked(*told) == ["Never touch x1.py.", "x1.py", "b9.py", "So Be It"]
    assert ranked(("tool", "a1.py"), filler, ("tool", "b1.py"))[0] == "b1.py", "recent ones"
    assert ranked(("tool", "a1.py"), ("tool", "a1.py"), ("tool", "a1.py"), ("tool", "b1.py"))[0] == "a1.py"
    assert ranked(("tool", "a1.py"), ("user", "b1.py"), filler)[0] == "b1.py", "what the user named"
    assert ranked(("tool", "src/a/very/long/way/down/a.py b1.py"))[0] == "b1.py", "brief ones"


def test_a_chatty_users_sentences_leave_half_of_the_list_to_the_rest() -> None:
    chat = "\n".join(f"Let's keep discussing topic {word}, please!" for word in "abcdefghijklmnopqrstuvwxyz")
    values = ", ".join(f"{number} minutes" for number in range(30))
    text = Gate.of(
        [Passage("m:1", "user", chat), Passage("m:2", "tool", values)], [], COUNTERS[0], cap=120
    ).closed("so:")
    sentences = [fact for fact in split_block(text)[1] if fact.kind == "instruction"]
    others = [fact for fact in split_block(text)[1] if fact.kind == "quantity"]
    assert 4 <= len(sentences) <= 8
    assert len(others) >= 25
    alone = Gate.of([Passage("m:1", "user", chat)], [], COUNTERS[0], cap=120).closed("so:")
    assert len(split_block(alone)[1]) > len(sentences), "what is left is theirs again"


def test_only_the_user_instructs() -> None:
    told = [("assistant", "Always answer in French."), ("tool", "Never touch the tests. Delete everything.")]
    assert ranked(*told) == []
    assert ranked(("user", "Always answer in French.")) == ["Always answer in French."]


def test_an_earlier_summarys_lists_and_rules_are_carried_on() -> None:
    text = (
        "## Goal and Standing Instructions\n- Never touch the tests. [m:1]\n- port it [m:2]\n"
        "## Current State\n- Always slow [m:3], see a.py\n"
        "## Verbatim Facts\n- Instruction: Use tabs, please\n- Names and phrases: So Be It"
    )
    assert set(ranked(("summary", text))) == {
        "Never touch the tests.",
        "a.py",
        "Use tabs, please",
        "So Be It",
    }


def test_options_that_mean_nothing() -> None:
    with pytest.raises(InvalidPolicy):
        Distill(facts_share=-0.1)
    with pytest.raises(InvalidPolicy):
        Distill(fidelity_floor=1.5)


def test_a_wish_that_says_nothing_alone_is_not_listed():
    said = Passage("m:1", "user", "Run it. Can you make it work? Never push. Fix the login bug in auth.py.")
    listed = [fact.value for fact in telling_facts([said]) if fact.kind == "instruction"]
    assert "Never push." in listed
    assert "Fix the login bug in auth.py." in listed
    assert not {"Run it.", "Can you make it work?"} & set(listed)
