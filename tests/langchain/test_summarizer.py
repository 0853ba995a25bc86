"""Our drafters in other people's middleware: what that loses with a summariser of its own, it keeps here."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver

from context_compaction.testing.drafters import RaisingDrafter, ScriptedDrafter
from langchain_compaction import ChatModelDrafter, NotMessages, as_summarizer
from tests.langchain.asking import THREAD, chat, steps, texts
from tests.langchain.strict import StrictModel

BAY = "## Current State\n- the anchor is in bay seven"


def agent(summarizer: Any, model: StrictModel) -> Any:
    middleware = SummarizationMiddleware(
        model,
        trigger=("tokens", 800),
        keep=("messages", 4),
        summarizer=summarizer,
        trim_tokens_to_summarize=None,
    )
    return create_agent(model, middleware=[middleware], checkpointer=InMemorySaver())


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_in_langchains_middleware(way: str):
    drafter, model = ScriptedDrafter(BAY), StrictModel()
    run = agent(as_summarizer(drafter), model)
    for turn in chat(30)[::2]:
        value = {"messages": [turn]}
        await run.ainvoke(value, THREAD) if way == "async" else run.invoke(value, THREAD)
    assert model.seen[-1][0].text.endswith(BAY)
    assert "question 0 about boats" in drafter.requests[0].prompt().user
    assert BAY.splitlines()[1] in drafter.requests[1].prompt().user  # the first summary is part of the second


@pytest.mark.parametrize(
    "drafter",
    [None, RaisingDrafter(), ScriptedDrafter(""), ScriptedDrafter("<think>hm</think>")],
    ids=["none", "raising", "empty", "thinking"],
)
def test_there_is_always_a_summary(drafter: Any):
    """Seen: an exception after four seconds of retries, or a history that an empty summary stands for."""
    model = StrictModel()
    run = agent(as_summarizer(drafter), model)
    for turn in chat(30)[::2]:
        run.invoke({"messages": [turn]}, THREAD)
    summary = model.seen[-1][0].text.partition("\n\n")[2]
    assert "boats" in summary
    assert "hm" not in summary.split()


def test_a_model_writes():
    writer = StrictModel(done=BAY)
    assert as_summarizer(writer).invoke(chat(20)) == BAY
    assert as_summarizer(ChatModelDrafter(writer)).invoke(chat(20)) == BAY
    assert writer.seen


def test_all_that_is_handed_over_is_read():
    drafter = ScriptedDrafter(BAY)
    as_summarizer(drafter).invoke([HumanMessage("find the cellar"), *steps(40)])
    given = "\n".join(request.prompt().user for request in drafter.requests)
    assert "find the cellar" in given
    assert all(f"room {number}.0" in given for number in range(40))


def test_it_says_nothing_of_references():
    """There is no archive to look them up in."""
    summary = as_summarizer().invoke([HumanMessage("find the cellar"), *steps(40)])
    assert "m:" not in summary
    assert "<" not in summary


def test_what_is_too_short_for_a_summary():
    assert as_summarizer().invoke([HumanMessage("hello"), AIMessage("hi")]) == "user: hello\nassistant: hi"


def test_a_system_message_is_told():
    drafter = ScriptedDrafter(BAY)
    as_summarizer(drafter).invoke([SystemMessage("You are Nemo."), *chat(20)])
    assert "You are Nemo." in drafter.requests[0].prompt().user


def test_a_redactor():
    drafter = ScriptedDrafter(BAY)
    as_summarizer(drafter, redactor=lambda text: text.replace("boats", "[gone]")).invoke(chat(20))
    assert "boats" not in drafter.requests[0].prompt().user


def test_no_messages():
    with pytest.raises(NotMessages):
        as_summarizer().invoke(7)  # pyright: ignore[reportArgumentType]


async def test_the_event_loop_is_free():
    threads: set[int] = set()

    class Noting(ScriptedDrafter):
        def draft(self, requests: Any, **options: Any) -> Any:
            threads.add(threading.get_ident())
            return super().draft(requests, **options)

    assert await as_summarizer(Noting(BAY)).ainvoke(chat(20)) == BAY
    assert threads
    assert threading.get_ident() not in threads


def test_in_deepagents(tmp_path: Path):
    pytest.importorskip("deepagents")  # which goes with the newest LangChain alone
    from deepagents import create_deep_agent
    from deepagents.backends import FilesystemBackend
    from deepagents.middleware.summarization import create_summarization_middleware

    drafter, model = ScriptedDrafter(BAY), StrictModel(profile={"max_input_tokens": 16_000})
    backend = FilesystemBackend(root_dir=tmp_path, virtual_mode=True)
    middleware = create_summarization_middleware(model, backend, summarizer=as_summarizer(drafter))
    run: Any = create_deep_agent(
        model,
        system_prompt="You know boats.",
        middleware=[middleware],
        backend=backend,
        checkpointer=InMemorySaver(),
    )
    for turn in chat(30, words=250)[::2]:
        run.invoke({"messages": [turn]}, THREAD)
    assert "bay seven" in texts(model.seen[-1])
    assert "question 0 about boats" in drafter.requests[0].prompt().user
