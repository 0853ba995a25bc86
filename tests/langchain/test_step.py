"""`compact_messages` without an archive: in a chain as ``trim_messages`` is, with nothing torn apart."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tracers.schemas import Run  # noqa: TC002 - Noting's module is read by pydantic
from pydantic import Field

from context_compaction import (
    CannotCompact,
    ExtractiveDrafter,
    InvalidBudget,
    InvalidMessage,
    InvalidPolicy,
    Message,
    Policy,
    TokenCounter,
)
from langchain_compaction import ChatModelDrafter, NotMessages, as_token_counter, compact_messages

SYSTEM = SystemMessage("You are brief.")
COUNT = as_token_counter()


def turns(count: int, words: int = 40) -> list[BaseMessage]:
    """A talk; the last word is the user's."""
    talk: list[BaseMessage] = [SYSTEM]
    for place in range(count):
        talk += [HumanMessage(f"question {place} " * words), AIMessage(f"answer {place} " * words)]
    return [*talk, HumanMessage("and the last one?")]


def worked(count: int) -> list[BaseMessage]:
    """Work with a tool: two calls at once, then their results."""
    work: list[BaseMessage] = [SYSTEM, HumanMessage("count the files")]
    for place in range(count):
        ids = [f"a{place}", f"b{place}"]
        work.append(
            AIMessage("", tool_calls=[{"id": each, "name": "ls", "args": {"at": each}} for each in ids])
        )
        work += [ToolMessage(f"file {each}\n" * 60, tool_call_id=each, name="ls") for each in ids]
    return work


def test_it_fits_and_keeps_what_must_stay() -> None:
    given = turns(40)
    seen = compact_messages(given, max_tokens=1000)
    assert COUNT(seen) <= 1000 < COUNT(given)
    assert (seen[0], seen[-1]) == (SYSTEM, given[-1])
    [summary] = [message for message in seen if "<conversation_summary" in str(message.content)]
    assert summary.additional_kwargs["lc_source"] == "summarization"


def test_what_was_not_touched_is_the_very_same_object() -> None:
    given = turns(40)
    seen = compact_messages(given, max_tokens=2000)
    own = [message for message in seen if any(message is each for each in given)]
    assert len(own) == len(seen) - 1
    assert all(
        mine is each for mine, each in zip(compact_messages(given, max_tokens=10**6), given, strict=True)
    )


def test_given_messages_stay_as_they_are() -> None:
    given = worked(30)
    before = [message.model_copy(deep=True) for message in given]
    compact_messages(given, max_tokens=800)
    assert given == before


@pytest.mark.parametrize("max_tokens", range(300, 4000, 175))
def test_no_result_is_without_its_call(max_tokens: int) -> None:
    """Where ``trim_messages`` leaves orphans or nothing at all."""
    seen = compact_messages(worked(20), max_tokens=max_tokens)
    assert COUNT(seen) <= max_tokens
    assert any("count the files" in str(message.content) for message in seen)
    waiting: list[Any] = []
    for message in seen:
        if isinstance(message, ToolMessage):
            waiting.remove(message.tool_call_id)
        else:
            assert not waiting
            waiting = [call["id"] for call in message.tool_calls] if isinstance(message, AIMessage) else []
    assert not waiting


def test_the_counter_is_the_callers() -> None:
    given = turns(20)
    assert len(compact_messages(given, max_tokens=10, token_counter=len)) <= 10
    assert compact_messages(given, max_tokens=100, token_counter=len) == given

    def each(message: BaseMessage) -> int:
        return len(str(message.content))

    seen = compact_messages(given, max_tokens=6000, token_counter=each)
    assert sum(map(each, seen)) <= 6000 < sum(map(each, given))
    assert compact_messages(given, max_tokens=10**6, token_counter=TokenCounter.of("approximate")) == given


def test_without_the_system_head() -> None:
    given = turns(40)
    seen = compact_messages(given, max_tokens=1000, include_system=False)
    assert not any(isinstance(message, SystemMessage) for message in seen)
    assert seen[-1] is given[-1]
    long = [SystemMessage("rule " * 3000), HumanMessage("hello")]
    assert compact_messages(long, max_tokens=100, include_system=False) == long[1:]
    with pytest.raises(CannotCompact):
        compact_messages(long, max_tokens=100)


def test_pins_stay_word_for_word() -> None:
    given = turns(40)

    def is_pinned(message: Message) -> bool:
        return message.text.startswith("question 3 ")

    seen = compact_messages(given, max_tokens=2000, is_pinned=is_pinned)
    assert str(given[7].content) in "".join(str(message.content) for message in seen)


def test_a_policy_and_a_drafter() -> None:
    given = turns(40)
    model = FakeListChatModel(responses=["They asked forty questions. " * 4])
    seen = compact_messages(given, max_tokens=2000, drafter=model, policy=Policy.anchored(fidelity_floor=0.0))
    assert any("They asked forty questions." in str(message.content) for message in seen)
    assert compact_messages(given, max_tokens=100, policy=Policy.off()) == given
    same = compact_messages(given, max_tokens=2000, drafter=[ChatModelDrafter(model), ExtractiveDrafter()])
    assert COUNT(same) <= 2000


@pytest.mark.parametrize(
    "value",
    [
        [HumanMessage("hello")],
        (HumanMessage("hello"),),
        iter([HumanMessage("hello")]),
        "hello",
        ["hello"],
        [("user", "hello")],
        [{"role": "user", "content": "hello"}],
        ChatPromptTemplate.from_messages([("user", "{word}")]).invoke({"word": "hello"}),
    ],
)
def test_whatever_a_chat_model_takes(value: Any) -> None:
    assert compact_messages(value, max_tokens=100) == [HumanMessage("hello")]


def test_what_is_refused() -> None:
    with pytest.raises(InvalidBudget):
        compact_messages(max_tokens=0)
    for odd in (7, [7], {"messages": []}, [{"no": "role"}]):
        with pytest.raises(NotMessages):
            compact_messages(odd, max_tokens=100)  # type: ignore[call-overload]
    with pytest.raises(InvalidMessage, match="message 1: a RemoveMessage"):
        compact_messages([HumanMessage("a"), RemoveMessage(id="x")], max_tokens=100)
    with pytest.raises(CannotCompact, match="system messages"):
        compact_messages([SystemMessage("word " * 5000)], max_tokens=100)
    assert compact_messages([], max_tokens=100) == []


# -- as a step -------------------------------------------------------------------------------------------


class Noting(FakeListChatModel):
    """Answers "yes", and keeps what it was sent."""

    responses: list[str] = Field(default_factory=lambda: ["yes"])
    sent: list[list[BaseMessage]] = Field(default_factory=list[list[BaseMessage]])

    def _call(self, messages: list[BaseMessage], *rest: Any, **more: Any) -> str:
        self.sent.append(messages)
        return super()._call(messages, *rest, **more)


def chained(model: Noting) -> Runnable[Any, str]:
    prompt = ChatPromptTemplate.from_messages([SYSTEM, MessagesPlaceholder("talk"), ("user", "{asked}")])
    return prompt | compact_messages(max_tokens=1000) | model | StrOutputParser()


def test_in_a_chain_every_way_it_can_be_run() -> None:
    model = Noting()
    chain = chained(model)
    asked = {"talk": turns(40)[1:-1], "asked": "and now?"}
    assert chain.invoke(asked) == "yes"
    assert chain.batch([asked, asked]) == ["yes", "yes"]
    assert "".join(chain.stream(asked)) == "yes"
    sent = model.sent[0]
    assert COUNT(sent) <= 1000
    assert sent[-1] == HumanMessage("and now?")
    assert all(each == sent for each in model.sent)


async def test_in_a_chain_every_async_way() -> None:
    model = Noting()
    chain = chained(model)
    asked = {"talk": turns(40)[1:-1], "asked": "and now?"}
    assert await chain.ainvoke(asked) == "yes"
    assert await chain.abatch([asked, asked]) == ["yes", "yes"]
    assert "".join([part async for part in chain.astream(asked)]) == "yes"
    step = compact_messages(max_tokens=1000)
    assert await step.ainvoke(turns(40)) == step.invoke(turns(40))


def test_config_tags_and_callbacks_go_through() -> None:
    runs: list[Run] = []
    chain = chained(Noting()).with_listeners(on_end=runs.append)
    asked = {"talk": turns(40)[1:-1], "asked": "and now?"}
    chain.invoke(asked, {"tags": ["mine"], "metadata": {"who": "ann"}})
    [step] = [run for run in runs[0].child_runs if run.name == "compact_messages"]
    assert "mine" in (step.tags or [])
    assert step.extra["metadata"]["who"] == "ann"
    assert step.parent_run_id == runs[0].id


def test_its_types_are_known_to_langchain() -> None:
    step = compact_messages(max_tokens=10)
    assert step.get_name() == "compact_messages"
    assert "anyOf" in step.get_input_jsonschema()
    assert step.get_output_jsonschema()["type"] == "array"
    assert "compact_messages" in chained(Noting()).get_graph().draw_mermaid()


def test_a_run_can_ask_for_its_own_trigger() -> None:
    given = turns(10)
    step = compact_messages(max_tokens=4000)

    def asking(*edits: Any) -> Any:
        return {"configurable": {"context_management": list(edits)}}

    asked = asking({"type": "compaction", "compact_threshold": 1000})
    assert step.invoke(given) == given
    assert len(step.invoke(given, asked)) < len(given)
    assert step.invoke(given, asking({"type": "compaction", "compact_threshold": 3500})) == given
    assert step.invoke(given, asking({"type": "compaction"})) == given
    assert compact_messages(max_tokens=4000, policy=Policy.off()).invoke(given, asked) == given
    assert len(compact_messages(max_tokens=4000, policy=Policy()).invoke(given, asked)) < len(given)
    with pytest.raises(InvalidPolicy, match="'clear'"):
        step.invoke(given, asking({"type": "clear"}))
    with pytest.raises(InvalidPolicy, match="positive"):
        step.invoke(given, asking({"type": "compaction", "compact_threshold": -1}))


def test_called_inside_a_run_it_has_the_runs_config() -> None:
    given = turns(10)
    inside = RunnableLambda(lambda talk: compact_messages(talk, max_tokens=4000))  # type: ignore[arg-type]
    edits = [{"type": "compaction", "compact_threshold": 1000}]
    assert len(inside.invoke(given, {"configurable": {"context_management": edits}})) < len(given)
