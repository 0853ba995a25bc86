"""What goes wrong in a turn: typed, and nothing that was said is lost."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, RemoveMessage

from context_compaction import ArchiveError, CannotCompact, CompactionError, InvalidMessage, open_archive
from langchain_compaction import AmbiguousKeys, MissingSessionId, NotMessages, RunnableWithCompaction
from tests.langchain.chatting import S1, Seeing, originals, session
from tests.langchain.test_wrapper import every_way, run

KEYS = {"input_messages_key": "question", "history_messages_key": "history"}


@every_way
@pytest.mark.parametrize("at", [{}, {"configurable": {}}, {"configurable": {"session_id": ""}}])
async def test_without_a_session_id_nothing_is_asked_or_stored(way, at):
    seeing = Seeing()
    chain = RunnableWithCompaction(seeing.runnable, lambda _: pytest.fail("asked for a session"))
    with pytest.raises(MissingSessionId):
        await run(chain, way, "q1", at)
    assert seeing.seen == []


@every_way
@pytest.mark.parametrize(
    ("value", "keys", "error"),
    [
        (3, {}, NotMessages),
        ([object()], {}, NotMessages),
        ({"question": 3}, {}, NotMessages),
        ([RemoveMessage(id="x")], {}, InvalidMessage),
        ({"a": "x", "b": "y"}, {}, AmbiguousKeys),
        ({}, {}, AmbiguousKeys),
        ({"a": "x"}, {"input_messages_key": "question"}, AmbiguousKeys),
        ("text", {"history_messages_key": "history"}, AmbiguousKeys),
    ],
)
async def test_an_input_that_is_no_messages_is_typed_and_nothing_is_stored(way, value, keys, error):
    of, seeing = session(), Seeing()
    with pytest.raises(error) as raised:
        await run(RunnableWithCompaction(seeing.runnable, lambda _: of, **keys), way, value)
    assert isinstance(raised.value, CompactionError)
    assert (originals(of), seeing.seen) == ([], [])


@every_way
@pytest.mark.parametrize(
    ("output", "keys", "error"),
    [
        (None, {}, NotMessages),
        (3, {}, NotMessages),
        ({"answer": 3}, {}, NotMessages),
        ({"a": "x", "b": "y"}, {}, AmbiguousKeys),
        ({"a": "x"}, {"output_messages_key": "answer"}, AmbiguousKeys),
    ],
)
async def test_an_output_that_is_no_messages_is_typed_and_the_question_stays(way, output, keys, error):
    of = session()
    with pytest.raises(error):
        await run(RunnableWithCompaction(lambda _: output, lambda _: of, **keys), way, "q1")
    assert originals(of) == [("user", "q1")]


@every_way
async def test_when_the_model_fails_the_question_stays_and_a_retry_stores_it_once(way):
    of = session()

    def fail(number: int) -> None:
        if number == 1:
            raise RuntimeError("model broke")

    seeing = Seeing(then=fail)
    chain = RunnableWithCompaction(seeing.runnable, lambda _: of)
    question = HumanMessage("q1", id="mine")
    with pytest.raises(RuntimeError, match="model broke"):
        await run(chain, way, question)
    assert originals(of) == [("user", "q1")]
    await run(chain, way, question)
    assert originals(of) == [("user", "q1"), ("assistant", "a2")]


@every_way
async def test_what_cannot_be_made_to_fit_is_stored_and_told(way):
    of, seeing = session(tokens=20), Seeing()
    with pytest.raises(CannotCompact):
        await run(RunnableWithCompaction(seeing.runnable, lambda _: of), way, [("system", "x " * 400), "q1"])
    assert len(of.history()) == 2
    assert seeing.seen == []


@every_way
async def test_an_archive_that_goes_away_while_the_model_answers_is_an_error(way, tmp_path):
    archive = open_archive(tmp_path / "chat.db")
    of = session(archive)
    chain = RunnableWithCompaction(Seeing(then=lambda _: archive.close()).runnable, lambda _: of)
    with pytest.raises(ArchiveError):
        await run(chain, way, "q1")
    with open_archive(tmp_path / "chat.db") as again:
        assert originals(session(again)) == [("user", "q1")]


@every_way
async def test_what_fails_after_the_answer_is_stored_does_not_fail_the_turn(way, caplog):
    of = session()

    def broken(_usage: Any = None) -> Any:
        raise RuntimeError("broke")

    of.after_turn = of.aafter_turn = broken  # pyright: ignore[reportAttributeAccessIssue]
    assert (await run(RunnableWithCompaction(Seeing().runnable, lambda _: of), way, "q1")).text == "a1"
    assert originals(of) == [("user", "q1"), ("assistant", "a1")]
    assert "compacting ahead of the next one failed" in caplog.text


def test_two_processes_on_one_session(tmp_path):
    program = f"""
        import sys
        from langchain_compaction import RunnableWithCompaction
        from tests.langchain.chatting import S1, session
        of = session({str(tmp_path / "chat.db")!r}, tokens=400)
        chain = RunnableWithCompaction(lambda given: f"answer to {{given[-1].text}}", lambda _: of)
        for number in range(20):
            chain.invoke(f"{{sys.argv[1]}} {{number}} " + "lorem " * 20, S1)
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    processes = [subprocess.Popen([*command, name]) for name in "ab"]
    assert [process.wait(120) for process in processes] == [0, 0]
    with open_archive(tmp_path / "chat.db") as archive:
        texts = [text for role, text in originals(session(archive)) if role == "user"]
        assert len(originals(session(archive))) == 80
        for name in "ab":
            mine = [int(text.split()[1]) for text in texts if text.startswith(name)]
            assert mine == list(range(20))
        assert archive.verify() == []


def test_what_another_run_says_meanwhile_is_no_part_of_what_this_one_asks():
    of, other, seeing = session(), Seeing(), Seeing()
    beside, append = RunnableWithCompaction(other.runnable, lambda _: of), of.append

    def interrupted(messages: Any) -> None:
        append(messages)
        of.append = append  # pyright: ignore[reportAttributeAccessIssue]
        beside.invoke("q other", S1)

    of.append = interrupted  # pyright: ignore[reportAttributeAccessIssue]
    chain = RunnableWithCompaction(seeing.runnable, lambda _: of, **KEYS)
    chain.invoke({"question": "q1"}, S1)
    assert seeing.seen == [{"question": "q1", "history": []}]
    assert [text for _, text in originals(of)] == ["q1", "q other", "a1", "a1"]
