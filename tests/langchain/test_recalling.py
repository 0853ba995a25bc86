"""What left the view and is asked about stands before the question: history, wrapper, step and middleware."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.tools import tool

from context_compaction import Budget, Policy, Session
from langchain_compaction import CompactionChatMessageHistory, RunnableWithCompaction, compact_messages
from tests.langchain.asking import Asking, asking, call, chat, texts
from tests.langchain.chatting import S1, Seeing, memory, session, to_messages
from tests.langchain.strict import StrictModel

FACT = "The harbour master is Petersen."
ASKED = "Who is the harbour master?"
QUOTED = f"[m:1 user] {FACT}"
TALK: list[BaseMessage] = [HumanMessage(FACT), AIMessage("Noted."), *chat(30)]
"""More than any view here holds."""


def block_in(messages: Sequence[BaseMessage]) -> str:
    """The recalled block, which stands right before the question."""
    assert messages[-1].text == ASKED
    assert messages[-2].type == "human"
    assert sum("<recalled>" in message.text for message in messages) == 1
    return str(messages[-2].text)


# -- chains --------------------------------------------------------------------------------------------------


def test_a_history_that_has_the_question() -> None:
    with CompactionChatMessageHistory(max_tokens=1000) as history:
        history.add_messages(TALK)
        assert "recalled" not in texts(history.messages)
        history.add_user_message(ASKED)
        assert QUOTED in block_in(history.messages)
        assert history.archived_messages == [*TALK, HumanMessage(ASKED)]
        history.add_messages([*history.messages.copy(), AIMessage("Petersen.")])  # as chains hand it back
        assert history.archived_messages == [*TALK, HumanMessage(ASKED), AIMessage("Petersen.")]


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_a_step_with_an_archive(way: str) -> None:
    step = compact_messages(max_tokens=1000, archive=memory())
    asked: list[BaseMessage] = [*TALK, HumanMessage(ASKED)]
    shown = step.invoke(asked, S1) if way == "invoke" else await step.ainvoke(asked, S1)
    assert QUOTED in block_in(shown)
    assert shown[-1] == asked[-1]
    assert step.invoke(asked, S1) == shown
    later = step.invoke([*asked, AIMessage("Petersen."), HumanMessage("Thanks!")], S1)
    assert "<recalled>" not in texts(later)
    assert later[: len(shown) - 2] == shown[:-2]


def test_a_step_given_its_own_list_back_stores_no_block() -> None:
    archive = memory()
    step = compact_messages(max_tokens=1000, archive=archive)
    shown = step.invoke([*TALK, HumanMessage(ASKED)], S1)
    assert QUOTED in block_in(shown)
    step.invoke([*shown, AIMessage("Petersen."), HumanMessage("Thanks!")], S1)
    with Session(archive, "s1", budget=Budget(1000, reserve_tokens=0)) as kept:
        assert not any("<recalled>" in message.text for message in kept.history())
        assert len(kept.history()) == len(TALK) + 3


def test_a_step_without_an_archive_or_a_share_has_none() -> None:
    asked: list[BaseMessage] = [*TALK, HumanMessage(ASKED)]
    assert "recalled" not in texts(compact_messages(asked, max_tokens=1000))
    step = compact_messages(max_tokens=1000, archive=memory(), policy=Policy.layered(recall_share=None))
    assert "recalled" not in texts(step.invoke(asked, S1))


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_a_chain_in_the_wrapper(way: str) -> None:
    """The question's own key stays as it was passed; the block is the end of what stands before it."""
    with session(tokens=1000) as kept:
        kept.append([{"role": "user", "content": FACT}])
        kept.append([{"role": "assistant", "content": str(message.text)} for message in TALK[2:]])
        seeing = Seeing()
        prompt = ChatPromptTemplate([MessagesPlaceholder("history"), ("human", "{question}")])
        chain = RunnableWithCompaction(
            prompt | to_messages | seeing.runnable,
            lambda _: kept,
            input_messages_key="question",
            history_messages_key="history",
        )
        if way == "invoke":
            chain.invoke({"question": ASKED}, S1)
        else:
            await chain.ainvoke({"question": ASKED}, S1)
        assert QUOTED in block_in(seeing.seen[0])
        assert not any("<recalled>" in message.text for message in kept.history())


# -- agents --------------------------------------------------------------------------------------------------


@tool
def look(place: str) -> str:
    """Look somewhere."""
    return f"nothing in {place}"


def recalling(**options: Any) -> Asking:
    return asking(window=2048, policy=Policy.layered(recall_share=0.3), **options)


@pytest.mark.parametrize("way", ["ask", "aask"])
async def test_an_agent_whose_policy_asks_for_it(way: str) -> None:
    """The model is sent the block; the state and the archive hold what was said alone."""
    agent = recalling()
    seen = (
        agent.ask(*TALK, HumanMessage(ASKED))
        if way == "ask"
        else await agent.aask(*TALK, HumanMessage(ASKED))
    )
    assert QUOTED in block_in(seen)
    assert texts(agent.state[:-1]) == texts([*TALK, HumanMessage(ASKED)])
    assert "recalled" not in texts(agent.state)
    assert not any("<recalled>" in message.text for message in agent.session.history())
    assert "recalled" not in texts(agent.ask(HumanMessage("Thanks!")))


def test_it_stands_for_the_whole_turn_and_parts_no_call_from_its_results() -> None:
    agent = recalling(model=StrictModel(window=2048, script=[call(1, 2), call(2)]), tools=[look])
    agent.ask(*TALK, HumanMessage(ASKED))
    first, second, third = agent.model.seen
    assert QUOTED in block_in(first)
    assert (len(second), second[: len(first)]) == (len(first) + 3, first)
    assert (len(third), third[: len(second)]) == (len(second) + 2, second)


def test_an_agent_has_its_tool_unless_it_is_told_otherwise() -> None:
    """What was sent before stays as it was, for the provider's cache."""
    assert "<recalled>" not in texts(asking(window=2048).ask(*TALK, HumanMessage(ASKED)))
