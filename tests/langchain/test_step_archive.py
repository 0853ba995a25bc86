"""`compact_messages` with an archive: the session that the config names follows, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableLambda

from context_compaction import Archive, ArchiveUnavailable, Budget, CannotCompact, Session, open_archive
from langchain_compaction import MissingSessionId, compact_messages, to_langchain
from tests.langchain.test_step import COUNT, SYSTEM, turns

BUDGET = Budget(context_window=1000, reserve_tokens=0)


def config(name: str, key: str = "session_id", **more: Any) -> Any:
    return {"configurable": {key: name, **more}}


def said(archive: Archive, name: str = "s1", namespace: str = "default") -> list[BaseMessage]:
    """All that the archive has of a session."""
    with Session(archive, name, namespace, budget=BUDGET) as session:
        return [to_langchain(message) for message in session.history()]


def test_turn_by_turn_the_archive_has_all_and_the_model_sees_what_fits() -> None:
    with open_archive(":memory:") as archive:
        step = compact_messages(max_tokens=1000, archive=archive)
        talk: list[BaseMessage] = [SYSTEM]
        for place in range(30):
            talk.append(HumanMessage(f"question {place} " * 30))
            seen = step.invoke(talk, config("s1"))
            assert COUNT(seen) <= 1000
            assert (seen[0], seen[-1]) == (SYSTEM, talk[-1])
            assert step.invoke(talk, config("s1")) == seen
            talk.append(AIMessage(f"answer {place} " * 30))
        step.invoke([*talk, HumanMessage("end")], config("s1"))
        assert said(archive) == [*talk, HumanMessage("end")]


def test_a_compaction_holds_from_turn_to_turn() -> None:
    """The beginning stays the same between compactions, as providers' caches want it."""
    with open_archive(":memory:") as archive:
        step = compact_messages(max_tokens=1000, archive=archive)
        talk = turns(40)
        first = step.invoke(talk, config("s1"))
        talk += [AIMessage("short"), HumanMessage("go on")]
        assert step.invoke(talk, config("s1")) == [*first, *talk[-2:]]


async def test_async_is_the_same() -> None:
    with open_archive(":memory:") as archive:
        step = compact_messages(max_tokens=1000, archive=archive)
        sync, other = turns(40), turns(40)
        assert await step.ainvoke(sync, config("a")) == step.invoke(other, config("b"))
        assert said(archive, "a") == said(archive, "b")


def test_sessions_by_either_name_and_namespace() -> None:
    with open_archive(":memory:") as archive:
        for namespace in ("ann", "bob"):
            step = compact_messages(max_tokens=1000, archive=archive, namespace=namespace)
            step.invoke("by session", config("s1"))
            step.invoke("by thread", config("t1", "thread_id"))
            step.invoke("by number", config(7))  # type: ignore[arg-type]
        names = sorted(archive.sessions())
        assert names == sorted((space, name) for space in ("ann", "bob") for name in ("7", "s1", "t1"))
        assert said(archive, "t1", "bob") == [HumanMessage("by thread")]


def test_batch_keeps_sessions_apart() -> None:
    with open_archive(":memory:") as archive:
        step = compact_messages(max_tokens=1000, archive=archive)
        names = [f"s{place}" for place in range(8)]
        talks: list[Any] = [[HumanMessage(f"I am {name}")] for name in names]
        assert step.batch(talks, [config(name) for name in names]) == talks
        assert [said(archive, name) for name in names] == talks


def rivals() -> list[Any]:
    """So many lists that agree in nothing, all of one session."""
    return [
        [HumanMessage(f"I am {place}"), AIMessage(f"{place}"), HumanMessage("go on")] for place in range(16)
    ]


def test_turns_of_one_session_at_once_do_not_see_each_other() -> None:
    with open_archive(":memory:") as archive:
        step = compact_messages(max_tokens=1000, archive=archive)
        assert step.batch(rivals(), config("s1")) == rivals()
        with Session(archive, "s1", budget=BUDGET) as session:
            assert len(session.branches()) == 16


async def test_tasks_of_one_session_at_once_do_not_see_each_other() -> None:
    with open_archive(":memory:") as archive:
        step = compact_messages(max_tokens=1000, archive=archive)
        assert await step.abatch(rivals(), config("s1")) == rivals()


def test_no_session_in_the_config() -> None:
    with open_archive(":memory:") as archive:
        step = compact_messages(max_tokens=1000, archive=archive)
        for odd in (None, {}, {"configurable": {}}, {"configurable": {"session_id": ""}}):
            with pytest.raises(MissingSessionId, match="session_id"):
                step.invoke("hello", odd)  # type: ignore[arg-type]
        with pytest.raises(MissingSessionId):
            compact_messages("hello", max_tokens=1000, archive=archive)
        assert archive.sessions() == []


def test_without_the_system_head_the_archive_has_it_still() -> None:
    with open_archive(":memory:") as archive:
        step = compact_messages(max_tokens=1000, archive=archive, include_system=False)
        talk = [SystemMessage("be brief"), HumanMessage("hello")]
        assert step.invoke(talk, config("s1")) == talk[1:]
        assert said(archive) == talk


def test_called_inside_a_run_it_follows_the_runs_session(tmp_path: Path, monkeypatch: Any) -> None:
    """An archive that it opened for one call is closed behind it."""
    opened: list[Archive] = []

    def noted(path: Any) -> Archive:
        opened.append(open_archive(path))
        return opened[-1]

    monkeypatch.setattr("langchain_compaction.step.open_archive", noted)
    path = tmp_path / "chat.db"
    talk: list[Any] = [HumanMessage("hello")]
    node = RunnableLambda(lambda _: compact_messages(talk, max_tokens=1000, archive=path))  # type: ignore[arg-type]
    assert node.invoke(None, config("t1", "thread_id")) == talk
    talk += [AIMessage("hi"), HumanMessage("and?")]
    assert node.invoke(None, config("t1", "thread_id")) == talk
    with open_archive(path) as archive:
        assert said(archive, "t1") == talk
    assert len(opened) == 2
    for archive in opened:
        with pytest.raises(ArchiveUnavailable):
            archive.sessions()


def test_an_edited_turn_is_a_branch_and_nothing_is_deleted() -> None:
    with open_archive(":memory:") as archive:
        step = compact_messages(max_tokens=1000, archive=archive)
        step.invoke([HumanMessage("one"), AIMessage("1"), HumanMessage("two")], config("s1"))
        again = [HumanMessage("one"), AIMessage("1"), HumanMessage("2!")]
        assert step.invoke(again, config("s1")) == again
        with Session(archive, "s1", budget=BUDGET) as session:
            assert len(session.branches()) == 2
            assert [message.text for message in session.history()] == ["one", "1", "2!"]


def test_a_run_can_ask_for_its_own_trigger() -> None:
    with open_archive(":memory:") as archive:
        step = compact_messages(max_tokens=4000, archive=archive)
        edits = [{"type": "compaction", "compact_threshold": 1000}]
        given = turns(10)
        assert step.invoke(given, config("s1")) == given
        assert len(step.invoke(given, config("s1", context_management=edits))) < len(given)
        assert said(archive) == given


def test_what_cannot_fit_is_in_the_archive_all_the_same() -> None:
    with open_archive(":memory:") as archive:
        step = compact_messages(max_tokens=100, archive=archive)
        with pytest.raises(CannotCompact):
            step.invoke([SystemMessage("word " * 2000)], config("s1"))
        assert said(archive) == [SystemMessage("word " * 2000)]


def test_an_archive_that_goes_away(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "chat.db")
    step = compact_messages(max_tokens=1000, archive=archive)
    step.invoke("hello", config("s1"))
    archive.close()
    with pytest.raises(ArchiveUnavailable):
        step.invoke(["hello", "again"], config("s1"))
    with open_archive(tmp_path / "chat.db") as again:
        assert said(again) == [HumanMessage("hello")]
