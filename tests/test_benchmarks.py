"""The benchmark runner: what it lists, skips, survives and prints. The numbers have tests of their own."""

import importlib
import json
import sys
from functools import partial
from pathlib import Path

import pytest

from benchmarks import (
    Skipped,
    Table,
    __main__,
    _minilm,
    evidence,
    fidelity,
    over_sessions,
    peers,
    prefixes,
    recall,
)
from benchmarks._conversation import conversation
from benchmarks._evidence import Asked, answered, in_long_messages
from benchmarks._stopwatch import race, timed
from benchmarks._table import show
from context_compaction import Message
from context_compaction.policy.rule import RECALL_SHARE
from context_compaction.testing.embedders import HashedEmbedder


def test_every_benchmark_has_run():
    assert {"archive", "checking", "counting", "imports", "rungs", "turn"} <= set(__main__.names())
    for name in __main__.names():
        assert callable(importlib.import_module(f"benchmarks.{name}").run)


def test_absent_data_skips_with_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert __main__.main(["counting", "--data", str(tmp_path)]) == 0
    assert "counting: skipped, no conversations" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["no-such-benchmark"], ["--data", "no/such/folder"]])
def test_wrong_arguments_are_told(arguments: list[str]):
    with pytest.raises(SystemExit):
        __main__.main(arguments)


def test_one_failure_does_not_take_the_others_along(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def run(data: Path | None) -> Table:
        raise RuntimeError("broken")

    from benchmarks import counting

    monkeypatch.setattr(counting, "run", run)
    assert __main__.main(["counting"]) == 1
    assert "broken" in capsys.readouterr().err


@pytest.mark.parametrize("rich", [True, False])
def test_tables_print_with_and_without_rich(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rich: bool
):
    if not rich:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    show(Table("Speed", ("what", "ms"), [["append", 0.25], ["search [all]", 13]], ["one core"]))
    out = capsys.readouterr().out
    for part in ("Speed", "what", "append", "0.25", "search [all]", "13", "one core"):
        assert part in out


def test_skipped_is_an_exception():
    assert issubclass(Skipped, Exception)


@pytest.mark.parametrize(
    ("name", "columns", "shown"),
    [
        ("turn", 5, {"append + context", "context alone", "SummarizationMiddleware"}),
        ("rungs", 3, {"plan: Extract", "plan: Truncate", "ContextEditingMiddleware, triggered"}),
        ("imports", 5, {"import context_compaction"}),
        ("memories", 3, {"ours, a turn", "ConversationSummaryBufferMemory, prune"}),
        ("in_turn", 6, {"ours", "FunctionAgent, Memory", "FunctionAgent, our memory"}),
        ("llamaindex_memories", 3, {"get: ours", "put: Memory, nothing left yet", "put an answer: ours"}),
        ("looking", 3, {"recall, a day", "recall, second page", "describe", "grep, a literal: s"}),
        ("archive", 3, {"durable appends: p50 ms", "bulk append: messages / s", "file, MB"}),
        (
            "million",
            4,
            {
                "bulk append: messages / s",
                "recall, the long session: p95 ms",
                "opening: p50 ms",
                "InMemoryStore, all of it: p50 ms",
                "LlamaIndex Memory, one session, put: p50 ms",
                "alone: the tokenizer, messages / s of CPU",
            },
        ),
        (
            "sizes",
            4,
            {"append, last: ms", "opening: ms", "file / JSON", "verify: s", "backup: s", "forget: s"},
        ),
        ("middleware", 3, {"ours", "SummarizationMiddleware", "ContextEditingMiddleware", "deepagents"}),
        ("peers", 4, {"A system message in the state", "A summariser that raises"}),
        ("vectors", 3, {"storing: vectors / s", "search: ms", "LangChain's InMemoryVectorStore: ms"}),
        ("drafter_gpu", 7, {"ours, 7 sections", "ours, 8 chunks", "one stream, both"}),
        ("long_texts", 7, {"prose and listings", "base64", "one letter", "random Chinese"}),
    ],
)
def test_a_small_run_gives_every_row(name: str, columns: int, shown: set[str]):
    table = importlib.import_module(f"benchmarks.{name}").run(None, quick=True)
    assert len(table.columns) == columns
    assert all(len(row) == columns for row in table.rows)
    assert shown <= {str(row[0]) for row in table.rows}
    assert not [row for row in table.rows if "Error" in str(row[1])], "a way that fails is told in its row"
    contests_are_about_the_table(table)


def contests_are_about_the_table(table: Table):
    """A contest whose names are not in the table would never find that we lose."""
    measures, names = set(map(str, table.columns)), {str(cell) for row in table.rows for cell in row}
    for contest in table.contests:
        if contest.columns:
            measures, names = {str(row[0]) for row in table.rows}, measures
        assert {*contest.more, *contest.less} <= measures
        assert contest.ours in names


def test_prefixes_has_a_row_for_each_middleware(tmp_path: Path):
    (tmp_path / "agent_log").mkdir()
    (tmp_path / "agent_log" / "one.json").write_text(json.dumps({"messages": conversation(90)}), "utf-8")
    table = prefixes.run(tmp_path, quick=True)
    assert [row[1] for row in table.rows[:2]] == ["ours", "ours, replace"]
    assert len(table.rows) == 5
    contests_are_about_the_table(table)
    for row in table.rows[:2]:
        assert int(str(row[2])) > 0
        assert row[5] == 0  # nothing that was sent is sent otherwise, but for a compaction
    assert int(str(table.rows[-1][5])) > 0


def test_peers_says_that_langmem_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "langmem", None)
    monkeypatch.delitem(sys.modules, "benchmarks._langmem", raising=False)
    assert any("langmem is not installed" in note for note in peers.run(None, quick=True).notes)


def test_fidelity_has_a_row_for_each_way_and_set(tmp_path: Path):
    said = conversation(80)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "one.json").write_text(json.dumps({"messages": said}), "utf-8")
    table = fidelity.run(tmp_path)
    assert [row[0] for row in table.rows] == ["made", "", "", "all", "", ""]
    assert [row[2] for row in table.rows[:3]] == ["tail window", "extractive", "extractive, gate"]
    contests_are_about_the_table(table)
    for row in table.rows:
        assert len(row) == len(table.columns)
        assert all(0 <= float(str(share)) <= 1 for share in row[3:])


def test_evidence_has_a_row_for_each_share_and_set(tmp_path: Path):
    (tmp_path / "coding").mkdir()
    asked = {"question": "Where is Pegasus, the bicycle?", "answer": "Lisbon", "evidence": [2]}
    said = conversation(80)
    said.insert(2, {"role": "user", "content": "Pegasus, my bicycle, stands in Lisbon."})
    whole = {"messages": said, "questions": [asked, {"question": "What else?", "evidence": []}]}
    (tmp_path / "coding" / "one.json").write_text(json.dumps(whole), "utf-8")
    table = evidence.run(tmp_path, quick=True)
    assert [row[:3] for row in table.rows] == [("coding", 1, "none"), ("", 1, f"{RECALL_SHARE[1]:.2f}")]
    assert table.rows[0][3:6] == ("0.000", "0.000", "0.000")
    assert table.rows[1][3:6] == ("1.000", "1.000", "1.000")
    assert [row[6] for row in table.rows] == ["0.00 / 0.00 / 0.00", "1.00 / 1.00 / 1.00"]
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_over_sessions_has_a_row_for_each_way(tmp_path: Path):
    (tmp_path / "locomo").mkdir()
    said = [
        {"role": "user", "name": "Ann", "content": f"I like {what}"} for what in ("chess", "tea", "trains")
    ]
    asked = {"question": "Who likes trains?", "answer": "Ann", "evidence": [2]}
    whole = {"messages": said, "questions": [asked]}
    (tmp_path / "locomo" / "conv-1.json").write_text(json.dumps(whole), "utf-8")
    table = over_sessions.run(tmp_path, quick=True)
    assert [row[0] for row in table.rows] == ["its session", "all sessions", "all of a small namespace"]
    assert table.rows[0][1] == "1.000"
    assert table.rows[2][1:6] == ["0.000"] * 5, "no evidence comes from another namespace"
    assert all(len(row) == len(table.columns) for row in table.rows)


class Likeness(HashedEmbedder):
    """In place of a model, which not every machine has."""

    def question_ms(self) -> float:
        return 1.5


@pytest.mark.filterwarnings("ignore:.*is being sunset:DeprecationWarning")
@pytest.mark.parametrize("there", [True, False])
def test_recall_has_a_row_for_each_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool):
    """Without the model's weights it says so, and shows what needs none."""
    (tmp_path / "locomo").mkdir()
    asked = {"question": "Who is a sailorwoman?", "answer": "Ann", "evidence": [5]}
    if not there:
        asked["date"] = "2023/04/10 (Mon) 14:47"
    said = [
        {"role": "user", "name": "Ann", "content": f"I like {what} a lot", "session": "1"}
        for what in ("painting", "cooking", "chess", "music", "books", "sailors", "trains")
    ]
    whole = {"messages": said, "questions": [asked]}
    (tmp_path / "locomo" / "conv-26.json").write_text(json.dumps(whole), "utf-8")
    if there:
        monkeypatch.setattr(recall, "MiniLM", Likeness)
    else:
        monkeypatch.setattr(_minilm, "PACKAGE", "no_such_weights")
    table = recall.run(tmp_path)
    if there:
        contests_are_about_the_table(table)
    at_1 = {row[2]: row[3] for row in table.rows if row[0] != "  its sessions"}
    assert at_1.pop("ours") == "0.000"
    assert at_1.pop("BM25Retriever") == "0.000"
    others = ("ours, MiniLM", "InMemoryVectorStore, MiniLM", "VectorMemoryBlock, MiniLM")
    assert at_1 == (dict.fromkeys(others, "1.000") if there else {"ours, dated": "0.000"})
    assert any("skipped, no weights" in note for note in table.notes) != there
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_of_an_answer_counts_what_the_passages_say():
    """Not what the question says itself, nor what stands in other messages."""
    asked = Asked("where is Ann's boat?", "The boat lies in Lisbon, near Ann.", [(1, "Lisbon near boat Ann")])
    assert answered(asked, {1: ["it is near"]}) == 0.5
    assert answered(asked, {1: ["Ann has a boat"]}) == 0
    assert answered(asked, {1: ["near", "Lisbon"]}) == 1
    assert answered(Asked("where?", "there", [(1, "Lisbon")]), {1: ["Lisbon"]}) is None


def test_of_long_messages_evidence_is_the_line():
    said = [Message("user", f"message {number}", name="Ann") for number in range(40)]
    joined, where = in_long_messages(said)
    assert len(joined) == 16 + 1 + 8
    assert {index: joined[seq - 1].text for index, (seq, text) in where.items() if index in (0, 32)} == {
        0: "message 0",
        32: "message 32",
    }
    assert where[20] == (17, "Ann: message 20")
    assert where[20][1] in joined[16].text.splitlines()


def test_fidelity_without_long_conversations_skips(tmp_path: Path):
    (tmp_path / "short.json").write_text(
        json.dumps({"messages": [{"role": "user", "content": "hi"}]}), "utf-8"
    )
    with pytest.raises(Skipped, match="long enough"):
        fidelity.run(tmp_path)


def test_a_race_times_every_contender_as_often():
    calls: list[str] = []
    watch = race([timed(name, partial(calls.append, name)) for name in "abc"], 5, warm_up=2)
    assert {name: len(laps) for name, laps in watch.times.items()} == dict.fromkeys("abc", 5)
    assert sorted(calls) == sorted("abc" * 7)
