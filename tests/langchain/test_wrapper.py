"""`RunnableWithCompaction`: what a turn hands over, stores and returns, in every way to run it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnableLambda

from context_compaction import Budget
from langchain_compaction import CompactionChatMessageHistory, RunnableWithCompaction
from langchain_compaction.messages import read_all, write_all
from langchain_compaction.sessions import Sessions
from tests.langchain.chatting import (
    S1,
    Seeing,
    config,
    memory,
    model,
    originals,
    said,
    session,
    talk,
    to_messages,
)

WAYS = ["invoke", "ainvoke", "stream", "astream", "batch", "abatch"]
PROMPT = ChatPromptTemplate([("system", "be kind"), MessagesPlaceholder("history"), ("human", "{question}")])
PROMPT_2 = ChatPromptTemplate([("human", "q2")])


async def run(chain: Any, way: str, value: Any, at: Any = S1) -> Any:
    """What it gives, streams added up."""
    match way:
        case "invoke":
            return chain.invoke(value, at)
        case "ainvoke":
            return await chain.ainvoke(value, at)
        case "batch":
            return chain.batch([value], at)[0]
        case "abatch":
            return (await chain.abatch([value], at))[0]
        case "stream":
            chunks = list(chain.stream(value, at))
        case _:
            chunks = [chunk async for chunk in chain.astream(value, at)]
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total


every_way = pytest.mark.parametrize("way", WAYS)


@every_way
async def test_the_context_is_handed_over_as_one_list(way):
    of, seeing = session(), Seeing()
    chain = RunnableWithCompaction(seeing.runnable, lambda _: of)
    assert (await run(chain, way, [SystemMessage("be kind"), HumanMessage("q1")])).text == "a1"
    assert (await run(chain, way, PROMPT_2.invoke({}))).text == "a2"
    assert said(seeing.seen[0]) == [("system", "be kind"), ("human", "q1")]
    assert said(seeing.seen[1]) == [("system", "be kind"), ("human", "q1"), ("ai", "a1"), ("human", "q2")]
    assert originals(of) == [
        ("system", "be kind"),
        ("user", "q1"),
        ("assistant", "a1"),
        ("user", "q2"),
        ("assistant", "a2"),
    ]


@every_way
async def test_it_takes_the_place_of_what_is_asked(way):
    of, seeing = session(), Seeing()
    inner = RunnableLambda(lambda value: {"answer": seeing(value), "other": 1})
    chain = RunnableWithCompaction(
        inner, lambda _: of, input_messages_key="question", output_messages_key="answer"
    )
    await run(chain, way, {"question": "q1", "tone": "kind"})
    out = await run(chain, way, {"question": HumanMessage("q2"), "tone": "kind"})
    assert out["other"] == 1
    assert seeing.seen[1]["tone"] == "kind"
    assert said(seeing.seen[1]["question"]) == [("human", "q1"), ("ai", "a1"), ("human", "q2")]
    assert [text for _, text in originals(of)] == ["q1", "a1", "q2", "a2"]


@every_way
async def test_it_stands_under_a_key_of_its_own_before_what_is_asked(way):
    of, seeing = session(), Seeing()
    chain = RunnableWithCompaction(
        PROMPT | RunnableLambda(to_messages) | seeing.runnable,
        lambda _: of,
        input_messages_key="question",
        history_messages_key="history",
    )
    await run(chain, way, {"question": "q1"})
    await run(chain, way, {"question": "q2"})
    assert said(seeing.seen[1]) == [("system", "be kind"), ("human", "q1"), ("ai", "a1"), ("human", "q2")]
    assert [text for _, text in originals(of)] == ["q1", "a1", "q2", "a2"]


@every_way
async def test_a_chat_model_inside_and_a_parser_outside(way):
    of = session()
    chain = RunnableWithCompaction(model("one two three", "four"), lambda _: of) | StrOutputParser()
    assert await run(chain, way, "q1") == "one two three"
    assert await run(chain, way, "q2") == "four"
    assert originals(of) == [
        ("user", "q1"),
        ("assistant", "one two three"),
        ("user", "q2"),
        ("assistant", "four"),
    ]
    kinds = {type(message) for message in write_all(of.history())}
    assert kinds == {HumanMessage, AIMessage}, "whole messages, never chunks"


@every_way
async def test_a_long_session_is_handed_over_compacted_and_kept_whole(way):
    of, seeing = session(tokens=600), Seeing()
    for turn in range(12):
        of.append(read_all([HumanMessage(f"old {turn} " + "lorem " * 60), AIMessage("dolor " * 60)]))
    await run(RunnableWithCompaction(seeing.runnable, lambda _: of), way, "q1")
    assert len(seeing.seen[0]) < 24
    assert seeing.seen[0][-1].text == "q1"
    assert len(of.history()) == 26


@every_way
async def test_the_users_own_message_is_not_changed_and_may_be_sent_again(way):
    of, seeing = session(), Seeing()
    chain = RunnableWithCompaction(seeing.runnable, lambda _: of)
    question = HumanMessage("again")
    await run(chain, way, question)
    await run(chain, way, question)
    assert question == HumanMessage("again")
    assert [text for _, text in originals(of)] == ["again", "a1", "again", "a2"]


@every_way
async def test_an_agent_that_gives_everything_back_is_stored_once(way):
    of = session()
    of.append(read_all([HumanMessage("before"), AIMessage("yes")]))

    def agent(value: dict[str, Any]) -> dict[str, Any]:
        call = {"name": "look", "args": {}, "id": f"c{len(value['messages'])}"}
        return {"messages": [*value["messages"], AIMessage("", tool_calls=[call]), AIMessage("done")]}

    chain = RunnableWithCompaction(RunnableLambda(agent), lambda _: of)
    await run(chain, way, {"messages": "q1"})
    await run(chain, way, {"messages": "q2"})
    assert [text for _, text in originals(of)] == ["before", "yes", "q1", "", "done", "q2", "", "done"]


@every_way
async def test_a_clamped_question_is_passed_as_the_context_shows_it(way):
    of, seeing = session(tokens=300), Seeing()
    keys = {"input_messages_key": "question", "history_messages_key": "history"}
    chain = RunnableWithCompaction(seeing.runnable, lambda _: of, **keys)
    huge = "word " * 3000
    await run(chain, way, {"question": huge})
    shown = seeing.seen[0]["question"]
    assert isinstance(shown, str)
    assert len(shown) < len(huge) // 4
    assert of.history()[0].text == huge


async def test_batches_over_sessions():
    with opened() as sessions:
        chain = RunnableWithCompaction(RunnableLambda(lambda given: f"to {given[-1].text}"), sessions)
        values, configs = [f"q{n}" for n in range(8)], [config(f"s{n}") for n in range(8)]
        assert chain.batch(values, configs) == [f"to q{n}" for n in range(8)]
        assert await chain.abatch(values, configs) == [f"to q{n}" for n in range(8)]
        for n in range(8):
            assert [text for _, text in originals(sessions.get(f"s{n}"))] == [f"q{n}", f"to q{n}"] * 2


@contextmanager
def opened() -> Generator[Sessions]:
    with closing(memory()) as archive, closing(Sessions(archive, Budget(2000))) as sessions:
        yield sessions


class Watching(BaseCallbackHandler):
    def __init__(self) -> None:
        self.runs: dict[Any, tuple[Any, str, list[str] | None, Any]] = {}

    def on_chain_start(
        self, serialized, inputs, *, run_id, parent_run_id=None, tags=None, metadata=None, **kwargs
    ):
        self.runs[run_id] = (parent_run_id, kwargs.get("name", ""), tags, metadata)


@pytest.mark.parametrize("way", WAYS[:4])
async def test_traces_nest_and_the_config_goes_through(way):
    watching = Watching()
    chain = RunnableWithCompaction(
        RunnableLambda(lambda _: "x") | RunnableLambda(lambda _: "a"), lambda _: session()
    )
    at: Any = {**S1, "callbacks": [watching], "tags": ["mine"], "metadata": {"user": "u"}, "run_name": "turn"}
    await run(chain, way, "q1", at)
    roots = [key for key, (parent, *_) in watching.runs.items() if parent is None]
    assert [watching.runs[key][1] for key in roots] == ["turn"]
    children = [found for found in watching.runs.values() if found[0] == roots[0]]
    assert [name for _, name, *_ in children] == ["RunnableSequence"]
    assert all(
        "mine" in (tags or []) and metadata["user"] == "u" for *_, tags, metadata in watching.runs.values()
    )


@every_way
async def test_a_run_may_ask_for_its_own_compaction(way):
    of, seeing = session(tokens=4000), Seeing()
    talk(CompactionChatMessageHistory.from_session(of), 12)
    chain = RunnableWithCompaction(seeing.runnable, lambda _: of)
    await run(chain, way, "q1")
    assert len(seeing.seen[0]) == 25
    edits = [{"type": "compaction", "compact_threshold": 600}]
    await run(chain, way, "q2", {"configurable": {"thread_id": "s1", "context_management": edits}})
    assert len(seeing.seen[1]) < 20


@every_way
async def test_what_the_provider_counted_reaches_the_session(way):
    usage: Any = {"input_tokens": 400, "output_tokens": 3, "total_tokens": 403}
    of = session()
    of.append(read_all([HumanMessage("lorem ipsum " * 60)]))
    got: list[Any] = []
    sync, asynchronous = of.after_turn, of.aafter_turn
    of.after_turn = lambda usage=None, _=None: got.append(usage) or sync(usage)  # pyright: ignore[reportAttributeAccessIssue]
    of.aafter_turn = lambda usage=None, _=None: got.append(usage) or asynchronous(usage)  # pyright: ignore[reportAttributeAccessIssue]
    inner = RunnableLambda(lambda _: [AIMessage("a", usage_metadata=usage), AIMessage("b")])
    await run(RunnableWithCompaction(inner, lambda _: of), way, "q1")
    assert got == [usage]
