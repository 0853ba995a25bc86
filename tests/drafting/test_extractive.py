import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.drafting import DraftRequest, ExtractiveDrafter, Passage
from context_compaction.messages import Message
from context_compaction.schema import Section, parse_sections
from context_compaction.strategies import passage_of
from context_compaction.text.facts import fidelity
from tests.data import load
from tests.drafting.samples import COUNTER, TALK, passage, records, request

DRAFTER = ExtractiveDrafter(COUNTER)


def written(asked):
    return DRAFTER.draft([asked], cancel=threading.Event())[0].text


def sections(asked):
    return parse_sections(written(asked), asked.sections)


def test_it_is_no_model():
    assert (DRAFTER.name, DRAFTER.is_model, DRAFTER.window) == ("extractive", False, None)


def test_each_thing_in_its_section_with_its_reference():
    found = sections(request(*TALK))
    assert "- Never touch the tests. [m:1]" in found["goal"]
    assert "port the parser" in found["goal"]
    assert "passes all 41 tests" in found["state"]
    assert "[m:8]" in found["state"]
    assert "- We decided to use two tokens of lookahead. [m:6]" in found["decisions"]
    assert "Files modified: src/parse.rs" in found["artifacts"]
    assert "Files read: src/parse.py" in found["artifacts"]
    assert "Commands: cargo test" in found["artifacts"]
    assert "ParseError: unexpected token at 17" in found["errors"]
    assert "The cause was a missing lookahead." in found["errors"]
    assert "What about Unicode?" in found["open"]


def test_tool_output_gives_no_goal():
    text = written(request(*TALK))
    assert "delete everything" not in text


def test_every_sentence_is_the_sources_own():
    source = " ".join(passage.text for passage in TALK)
    for line in written(request(*TALK)).splitlines():
        said = line.removeprefix("- ").rpartition(" [m:")[0]
        if said and not said.startswith(("Files ", "Paths", "Values", "Commands", "Identifiers")):
            words = said.removeprefix("2024-03-01 ").removeprefix("assistant: ").removeprefix("run: ")
            assert words.removeprefix("user: ") in " ".join(source.split())


def test_without_references_there_are_no_brackets():
    bare = tuple(replace(passage, ref="") for passage in TALK)
    assert "[" not in written(request(*bare)).replace("[]", "")


def test_a_file_that_is_read_and_then_written_is_modified():
    calls = 'read_file({"path": "a.py"})', 'edit_file({"path": "a.py"})', 'read_file({"path": "a.py"})'
    text = written(request(*(passage(index, "assistant", call) for index, call in enumerate(calls, 1))))
    assert "Files modified: a.py" in text
    assert "Files read" not in text


def test_the_focus_comes_first_when_room_is_short():
    busy = [f"On May {i} the parser of CLI-{i} took {i}0 ms in a{i}.py again." for i in range(1, 30)]
    quiet = "The zebra crossing was painted by the mayor."
    chat = [passage(i, "user", text) for i, text in enumerate([*busy[:15], quiet, *busy[15:]], 1)]
    assert quiet not in written(request(*chat, max_tokens=150))
    assert quiet in written(request(*chat, max_tokens=150, focus="zebra crossing"))


def test_large_tool_output_does_not_dominate():
    noise = "\n".join(f"noise/file{i}.py took {i} ms" for i in range(20_000))
    text = written(request(*TALK[:4], passage(5, "tool", noise), *TALK[5:], max_tokens=300))
    assert "Never touch the tests." in text
    assert "two tokens of lookahead" in text


def test_own_sections_are_kept_to():
    own = (Section("wishes", "Wishes", ""), Section("open", "Open", ""))
    text = written(request(*TALK, sections=own))
    assert {line for line in text.splitlines() if line.startswith("## ")} <= {"## Wishes", "## Open"}
    assert "Never touch the tests." in text


roles = st.sampled_from(["user", "assistant", "tool", "system", "summary"])
texts = (
    st.text(max_size=200)
    | st.sampled_from([each.text for each in TALK])
    | st.just("## Current State\n- all done")
)
passages = st.lists(st.builds(passage, st.integers(1, 99), roles, texts), min_size=1, max_size=12)


@given(passages, st.integers(1, 400), st.sampled_from(["summary", "distill"]))
def test_never_empty_never_over_the_cap_always_the_same(chosen, cap, kind):
    asked = DraftRequest(kind, tuple(chosen), cap)
    text = written(asked)
    assert text.strip()
    assert COUNTER.text(text) <= cap or len(text) == 1
    assert ExtractiveDrafter(COUNTER).write(asked) == text


@given(st.permutations(TALK), st.integers(200, 600))
def test_more_room_never_costs_facts_of_a_small_source(order, cap):
    source = [passage.text for passage in order if passage.role != "tool"]
    assert fidelity(source, [written(request(*order, max_tokens=4 * cap))]) >= 0.99


def test_distilling_merges_sections_and_the_newest_state_wins():
    goal = "## Goal and Standing Instructions\n- Never touch the tests. [m:1]"
    old = f"{goal}\n## Current State\n- Nothing works. [m:9]"
    new = f"{goal}\n## Current State\n- All is well. [m:40]"
    lists = "## Technical Changes and Artifacts\n- Files modified: a.py, b.py [m:3-m:9]"
    more = "## Technical Changes and Artifacts\n- Files modified: b.py, c.py [m:30]"
    parts = (f"{old}\n{lists}", f"{new}\n{more}")
    asked = DraftRequest(
        "distill", tuple(Passage(f"s:{i}", "summary", text) for i, text in enumerate(parts, 1)), 400
    )
    found = sections(asked)
    assert found["goal"] == "- Never touch the tests. [m:1]"
    assert found["state"] == "- All is well. [m:40]"
    assert found["artifacts"].count("b.py") == 1
    assert all(name in found["artifacts"] for name in ("a.py", "c.py"))


@pytest.mark.parametrize(
    ("name", "cap", "least"),
    [
        ("airline/task02-1", 1024, 0.9),
        ("agent_log/large-session", 2048, 0.75),
        ("coding/cli-sentry-issue", 2048, 0.5),
    ],
)
def test_fidelity_on_recorded_conversations(data_dir, name, cap, least):
    messages = [Message.from_openai(data) for data in load(data_dir / f"{name}.json").messages[:100]]
    source = tuple(passage_of(record) for record in records(messages))
    text = written(request(*source, max_tokens=cap))
    carried = fidelity([each.text for each in source], [text])
    print(f"{name}: {carried:.2f} at {cap} tokens")
    assert carried >= least
