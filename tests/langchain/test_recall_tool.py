"""`create_recall_tool`: what left the context is looked up by words and by reference, a page at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from context_compaction import Policy, Session, TokenCounter, open_archive
from context_compaction.testing.drafters import ScriptedDrafter
from langchain_compaction import create_recall_tool
from tests import builders
from tests.langchain.asking import asking, chat, steps
from tests.langchain.test_retriever import talk

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class TestUnit(ToolsUnitTests):
    """LangChain's own suite, whole."""

    @property
    def tool_constructor(self) -> BaseTool:
        return create_recall_tool(talk())

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"query": "harbour crane"}


class TestIntegration(ToolsIntegrationTests):
    """The other one."""

    @property
    def tool_constructor(self) -> BaseTool:
        return create_recall_tool(talk())

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"ref": "m:3"}


def used(tool: BaseTool, **args: Any) -> ToolMessage:
    return tool.invoke({"type": "tool_call", "id": "c1", "name": tool.name, "args": args})


def test_by_words():
    with talk() as session:
        found = used(create_recall_tool(session, k=2), query="crane number 12")
        assert found.artifact == {"refs": ["m:25", found.artifact["refs"][1]], "page": 1, "pages": 1}
        assert found.status == "success"
        first, second = str(found.content).split("\n\n")
        assert first == f"[m:25] user ann (2026-03-01T10:12:00Z):\n{session.expand('m:25')[0].text}"
        assert second.startswith(f"[{found.artifact['refs'][1]}] ")


@pytest.mark.parametrize("ref", ["m:7", "m:3-m:6", "m:2, m:9"])
def test_by_reference(ref: str):
    with talk() as session:
        found = used(create_recall_tool(session), ref=ref)
        assert all(message.text in found.text for message in session.expand(ref))
        assert found.artifact["refs"] == [ref]


async def test_async_finds_the_same():
    with talk() as session:
        tool = create_recall_tool(session)
        assert await tool.ainvoke({"query": "harbour crane"}) == tool.invoke({"query": "harbour crane"})


def test_calls_and_results_are_told_with_their_tools():
    with talk() as session:
        session.append(builders.used("c9", "dive", '{"depth": 3}', "a pearl"))
        found = used(create_recall_tool(session), ref="m:61-m:62")
    assert found.text == 'assistant:\ndive({"depth": 3})\n\ntool:\na pearl'


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize("counter", [None, words])
def test_no_answer_is_longer_than_the_cap_and_pages_make_the_whole(counter: Any):
    count = TokenCounter.of(counter)
    with talk() as session:
        session.append(builders.user("first\n" + "a line of it\n" * 2000 + "last"))
        tool = create_recall_tool(session, max_tokens=300, token_counter=counter)
        pages = [used(tool, ref="m:61")]
        while pages[-1].artifact["page"] < pages[-1].artifact["pages"]:
            pages.append(used(tool, ref="m:61", page=len(pages) + 1))
    assert len(pages) > 10
    assert all(count.text(str(page.content)) <= 300 for page in pages)
    assert f"[page 1 of {len(pages)}; ask for page 2 to read on]" in pages[0].text
    parts = [str(page.content).rsplit("\n[page ", 1)[0] for page in pages]
    assert "".join(parts) == "user:\nfirst\n" + "a line of it\n" * 2000 + "last"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"ref": "m:99"}, "'m:99': this session has no such message or summary"),
        ({"ref": "the first one"}, "references look like"),
        ({}, "give query, words to search for, or ref, such as m:57"),
        ({"ref": "m:1", "page": 2}, "there is no page 2; the last one is 1"),
        ({"ref": "m:1", "page": 0}, "page cannot be '0'"),
        ({"query": ["crane"]}, "query cannot be \"['crane']\""),
        ({"query": "crane", "after": "yesterday"}, "a time such as '2026-03-01'"),
    ],
)
def test_what_cannot_be_answered_is_an_error_not_content(args: dict[str, Any], says: str):
    with talk() as session:
        found = used(create_recall_tool(session), **args)
    assert found.status == "error"
    assert says in str(found.content)


def test_bounds_and_an_outline():
    with talk() as session:
        tool = create_recall_tool(session)
        found = used(tool, query="harbour crane", after="2026-03-01T10:20:00Z", before="m:50")
        assert found.artifact["refs"]
        assert all(41 <= int(ref[2:]) < 50 for ref in found.artifact["refs"])
        assert used(tool, overview=True).text == str(session.describe())


def test_other_sessions_only_if_the_developer_says_so():
    with open_archive() as archive, talk(archive) as session:
        for namespace in ("ann", "bob"):
            with Session(archive, "s2", namespace, budget=session.budget) as other:
                other.append(builders.user(f"The {namespace} vault is behind the mirror."))
        found = used(create_recall_tool(session), query="vault mirror", scope="namespace")
        assert found.text == "Nothing that was said holds 'vault mirror'."
        tool = create_recall_tool(session, scope="namespace")
        found = used(tool, query="vault mirror")
        assert found.artifact["refs"] == ["m:1@s2"]
        assert found.text == "[m:1@s2] user:\nThe ann vault is behind the mirror."
        assert used(tool, ref="m:1@s2").text == "user:\nThe ann vault is behind the mirror."
        assert "scope" not in tool.args
        assert "in others" in tool.description


def test_what_a_provider_is_told_is_short():
    told = json.dumps(convert_to_openai_tool(create_recall_tool(talk())))
    assert TokenCounter.of(None).text(told) < 330


def test_nothing_found():
    with talk() as session:
        found = used(create_recall_tool(session), query="xylophone")
    assert found.status == "success"
    assert found.text == "Nothing that was said holds 'xylophone'."
    assert found.artifact["refs"] == []


def test_a_query_is_never_syntax():
    with talk() as session:
        assert used(create_recall_tool(session), query='crane" OR NEAR(* ').status == "success"


@pytest.mark.parametrize("options", [{"k": 0}, {"max_tokens": 0}])
def test_sizes_that_mean_nothing(options: Any):
    with talk() as session, pytest.raises(ValueError, match="must be 1 or more"):
        create_recall_tool(session, **options)


# -- in an agent ---------------------------------------------------------------------------------------------


def recalling(number: int, **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "recall", "args": args, "id": f"r{number}"}])


def test_an_agent_looks_up_what_left():
    run = asking(drafter=ScriptedDrafter())
    run.ask(HumanMessage("The locker's number is 4711."), *chat(60), HumanMessage("hm"))
    assert not any("4711" in message.text for message in run.model.seen[-1])
    [context] = [message for message in run.model.seen[-1] if "conversation_summary" in message.text]
    assert "Look details up with the recall tool" in context.text
    assert "recall" in [tool["function"]["name"] for tool in run.model.offered]
    run.model.script = [recalling(1, query="locker number")]
    found = run.ask(HumanMessage("which locker?"))[-1]
    assert isinstance(found, ToolMessage)
    assert "The locker's number is 4711." in found.text
    assert run.state[-2].artifact["refs"][0] == "m:1"  # pyright: ignore[reportAttributeAccessIssue]


def test_what_was_cleared_is_read_by_the_reference_in_its_place():
    """Seen to be gone for good behind '[cleared]', with no word of what it was."""
    run = asking(window=8192, policy=Policy.masking(trigger=("tokens", 2000)))
    sent = run.ask(HumanMessage("look around"), *steps(20, words=120))
    cleared = next(message for message in sent if "output omitted" in message.text)
    assert "look" in cleared.text
    ref = cleared.text.rsplit("recall ", 1)[1].split("]")[0].strip()
    run.model.script = [recalling(1, ref=ref)]
    found = run.ask(HumanMessage("what was there?"))[-1]
    assert "is quite empty" in found.text
    assert found.text.splitlines()[1] == next(m.text for m in run.state if m.id == cleared.id)


def test_the_model_cannot_name_another_session():
    run = asking()
    run.ask(HumanMessage("The vault is behind the mirror."), config={"configurable": {"thread_id": "other"}})
    run.model.script = [recalling(1, query="vault mirror", session_id="other", thread_id="other")]
    found = run.ask(HumanMessage("where is the vault?"))[-1]
    assert "behind the mirror" not in found.text


def test_what_the_tool_found_is_not_found_again():
    run = asking()
    for number in range(3):
        run.model.script = [recalling(number, query="the lighthouse keeper")]
        run.ask(HumanMessage(f"{number}: who was the lighthouse keeper again?"))
    refs = [message.artifact["refs"] for message in run.state if isinstance(message, ToolMessage)]
    history = run.session.history()
    assert all(history[int(ref[2:]) - 1].role != "tool" for found in refs for ref in found)
    assert refs[-1]


def test_a_run_without_a_thread_looks_up_its_own():
    run = asking(window=4096)
    agent: Any = create_agent(run.model, middleware=[run.middleware])
    run.model.script = [recalling(1, query="locker number")]
    said = [HumanMessage("The locker's number is 4711."), *chat(60), HumanMessage("which locker?")]
    out = agent.invoke({"messages": said})
    assert "The locker's number is 4711." in out["messages"][-2].text


def test_without_the_tool_nothing_is_said_of_it():
    run = asking(recall_tool=False)
    sent = run.ask(*chat(60), HumanMessage("and?"))
    assert "recall tool" not in sent[0].text
    assert run.model.offered == []


def test_an_archive_that_is_gone_is_an_error_for_the_model():
    session: Session = talk()
    tool = create_recall_tool(session)
    session.close()
    found = used(tool, query="crane")
    assert found.status == "error"
    assert found.text == "what was said cannot be looked up now"
