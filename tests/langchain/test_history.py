"""`CompactionChatMessageHistory` by itself."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from context_compaction import ArchiveError, DuplicateMessage, InvalidBudget
from langchain_compaction import CompactionChatMessageHistory, NotMessages
from tests.langchain.chatting import memory, said, session, talk

CALL = AIMessage("", tool_calls=[{"name": "look", "args": {"x": 1}, "id": "c1"}], id="own-1")
ALL = [
    SystemMessage("be kind"),
    HumanMessage("hello", additional_kwargs={"lang": "en"}),
    CALL,
    ToolMessage("found", tool_call_id="c1", artifact={"rows": [1, 2]}),
    AIMessage("it is there", usage_metadata={"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}),
]


def test_what_was_added_comes_back_equal_and_nothing_of_it_is_changed():
    before = [message.model_copy(deep=True) for message in ALL]
    with CompactionChatMessageHistory("s1") as history:
        history.add_messages(ALL)
        assert history.archived_messages == before
        assert history.messages == before
    assert before == ALL


async def test_the_asynchronous_twins_do_the_same():
    history = CompactionChatMessageHistory("s1")
    await history.aadd_messages(ALL)
    assert await history.aget_messages() == ALL
    await history.aclear()
    assert await history.aget_messages() == []
    history.close()


def test_texts_are_added_as_who_said_them():
    history = CompactionChatMessageHistory()
    history.add_user_message("hello")
    history.add_ai_message("hi")
    history.add_message(HumanMessage("bye"))
    assert said(history.messages) == [("human", "hello"), ("ai", "hi"), ("human", "bye")]
    assert str(history) == "Human: hello\nAI: hi\nHuman: bye"
    assert isinstance(history, BaseChatMessageHistory)


def test_the_messages_fit_and_the_originals_stay():
    history = CompactionChatMessageHistory("s1", max_tokens=600)
    talk(history, 12)
    shown, originals = history.messages, history.archived_messages
    assert len(originals) == 24
    assert len(shown) < 24
    assert history.session.stats.tokens_seen <= 600
    assert shown[-1] == originals[-1]


def test_after_an_answer_it_compacts_ahead_of_the_next_turn():
    history = CompactionChatMessageHistory("s1", max_tokens=600)
    talk(history, 12)
    committed = [event for event in history.session.events if event.committed]
    assert {event.trigger for event in committed} == {"post_turn"}


def test_what_fails_after_the_answer_is_stored_does_not_fail_the_adding(caplog):
    def bad(_event):
        raise RuntimeError("observer broke")

    history = CompactionChatMessageHistory.from_session(session())
    original = history.session.after_turn
    history.session.after_turn = lambda usage=None: bad(usage)  # pyright: ignore[reportAttributeAccessIssue]
    history.add_messages([HumanMessage("q"), AIMessage("a")])
    assert said(history.messages) == [("human", "q"), ("ai", "a")]
    assert "compacting ahead of the next one failed" in caplog.text
    history.session.after_turn = original


def test_another_history_of_the_same_session_goes_on_with_it(tmp_path):
    with CompactionChatMessageHistory("s1", tmp_path / "chat.db") as first:
        first.add_user_message("hello")
    with CompactionChatMessageHistory("s1", tmp_path / "chat.db") as again:
        assert said(again.messages) == [("human", "hello")]
    with CompactionChatMessageHistory("s1", tmp_path / "chat.db", namespace="other") as other:
        assert other.messages == []


def test_clear_erases_this_session_alone_and_the_history_goes_on():
    archive = memory()
    history = CompactionChatMessageHistory("s1", archive)
    other = CompactionChatMessageHistory("s2", archive)
    history.add_messages(ALL)
    assert len(history.messages) == len(ALL)
    other.add_user_message("stays")
    history.clear()
    assert history.messages == history.archived_messages == []
    history.clear()
    history.add_messages([CALL, *ALL[3:]])  # the same ids as before
    assert said(history.messages)[-1] == ("ai", "it is there")
    assert len(history.archived_messages) == 3
    assert said(other.messages) == [("human", "stays")]


def test_clear_leaves_a_fork_what_it_shares():
    history = CompactionChatMessageHistory("s1")
    history.add_messages(ALL)
    fork = CompactionChatMessageHistory.from_session(history.session.fork(2, "s2"))
    history.clear()
    assert said(fork.messages) == [("system", "be kind"), ("human", "hello")]


def test_its_own_messages_given_back_are_not_stored_again():
    history = CompactionChatMessageHistory("s1", max_tokens=600)
    talk(history, 12)
    history.add_messages([*history.messages.copy(), HumanMessage("new")])
    assert len(history.archived_messages) == 25
    context = history.messages
    assert context[0].id is not None
    assert context[0].id.startswith("ctx_")
    history.add_messages([context[0], HumanMessage("newer")])
    fresh = CompactionChatMessageHistory.from_session(history.session)  # it handed out nothing itself
    fresh.add_messages([context[0], HumanMessage("newest")])
    added = [("human", "new"), ("human", "newer"), ("human", "newest")]
    assert said(history.archived_messages[24:]) == added


def test_an_id_with_other_content_that_was_never_handed_out_is_an_error():
    history = CompactionChatMessageHistory("s1")
    history.add_messages([HumanMessage("one", id="m1")])
    history.add_messages([HumanMessage("one", id="m1")])
    with pytest.raises(DuplicateMessage):
        history.add_messages([HumanMessage("two", id="m1")])
    assert said(history.archived_messages) == [("human", "one")]


def test_what_is_no_message_is_refused_and_nothing_is_stored():
    history = CompactionChatMessageHistory("s1")
    with pytest.raises(NotMessages):
        history.add_messages([HumanMessage("fine"), object()])  # pyright: ignore[reportArgumentType]
    assert history.archived_messages == []
    with pytest.raises(InvalidBudget):
        CompactionChatMessageHistory("s1", max_tokens=0)


def test_an_archive_that_went_away_is_a_typed_error():
    archive = memory()
    history = CompactionChatMessageHistory("s1", archive)
    history.add_user_message("hello")
    archive.close()
    with pytest.raises(ArchiveError):
        history.add_user_message("more")


@pytest.mark.parametrize("missing", [False, True])
def test_no_warning_reaches_a_user_and_the_base_may_be_gone(missing):
    """As it will be in langchain-core 2."""
    program = f"""
        import sys
        if {missing}:
            sys.modules["langchain_core.chat_history"] = None
        from langchain_compaction import CompactionChatMessageHistory
        from langchain_core.messages import AIMessage
        history = CompactionChatMessageHistory("s1")
        history.add_user_message("hello")
        history.add_messages([AIMessage("hi")])
        print(history, [base.__name__ for base in CompactionChatMessageHistory.__mro__[1:2]])
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    base = "object" if missing else "BaseChatMessageHistory"
    assert (done.stdout, done.stderr) == (f"Human: hello\nAI: hi ['{base}']\n", "")
