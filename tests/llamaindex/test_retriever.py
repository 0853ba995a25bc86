"""`ArchiveRetriever`: what left the context is found again, as nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.chat_engine import ContextChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import CompactAndRefine
from llama_index.core.schema import MetadataMode

from context_compaction import QueryError, Session, open_archive
from llamaindex_compaction import ArchiveRetriever
from tests.builders import user
from tests.llamaindex.talking import BUDGET, talk


def test_a_node_is_the_message_with_its_reference():
    with talk() as session:
        [found] = ArchiveRetriever(session, k=1).retrieve("crane number 12")
        [said] = session.expand("m:25")
    assert found.text == said.text
    assert found.score
    assert found.score > 0
    assert found.node.metadata.pop("why")
    assert "holds 12" in found.node.metadata.pop("because")
    assert found.node.metadata == {
        "ref": "m:25",
        "role": "user",
        "time": "2026-03-01T10:12:00Z",
        "name": "ann",
        "session_id": "s1",
        "namespace": "ann",
        "neighbours": ["m:23", "m:24", "m:26", "m:27"],
    }
    shown = found.get_content(MetadataMode.LLM).split("\n\n")
    assert shown == ["ref: m:25\nrole: user\ntime: 2026-03-01T10:12:00Z\nname: ann", said.text.strip()]
    assert found.get_content(MetadataMode.EMBED) == said.text


async def test_what_is_searched_can_be_bounded():
    with talk() as session:
        retriever = ArchiveRetriever(session, k=60, after="m:10", before="m:20")
        for found in (retriever.retrieve("garden"), await retriever.aretrieve("garden")):
            numbers = {int(each.metadata["ref"][2:]) for each in found}
            assert numbers
            assert numbers <= set(range(11, 20))


def test_what_is_not_known_is_not_shown():
    with talk() as session:
        [found] = ArchiveRetriever(session, k=1).retrieve("of the crane 12 this is known and so on")
    assert found.get_content(MetadataMode.LLM).startswith("ref: m:26\nrole: assistant\n\n")


def test_best_first_and_as_many_as_asked():
    with talk() as session:
        found = ArchiveRetriever(session, k=7).retrieve("harbour crane")
        scores = [each.score or 0 for each in found]
        assert len(found) == 7
        assert scores == sorted(scores, reverse=True)
        assert ArchiveRetriever(session).retrieve("zeppelin") == []


def test_what_the_model_no_longer_sees_is_found():
    with talk() as session:
        seen = "\n".join(message.text for message in session.context() if not message.is_context)
        found = ArchiveRetriever(session).retrieve("harbour crane number 0")[:2]
    assert {each.node.metadata["ref"] for each in found} == {"m:1", "m:2"}, "question and answer"
    assert all(each.text not in seen for each in found)


def test_summaries_are_nodes_too():
    with talk() as session:
        session.compact()
        found = ArchiveRetriever(session, k=60).retrieve("garden harbour crane")
    summary = next(each for each in found if each.node.metadata["role"] == "summary")
    assert summary.node.metadata["ref"].startswith("s:")
    assert summary.text


async def test_async_is_the_same():
    async with talk() as session:
        retriever = ArchiveRetriever(session)
        assert await retriever.aretrieve("crane") == retriever.retrieve("crane")


def test_of_an_archive_and_one_session_alone(tmp_path: Path):
    path = tmp_path / "chat.db"
    with open_archive(path) as archive:
        for name in ("s1", "s2"):
            Session(archive, name, "ann", budget=BUDGET).append([user(f"the lighthouse of {name}")])
        nodes = {
            name: ArchiveRetriever.from_archive(archive, name, "ann", k=9).retrieve("lighthouse")
            for name in ("s1", "s2")
        }
        assert [found.text for found in nodes["s2"]] == ["the lighthouse of s2"]
        assert nodes["s1"][0].node_id != nodes["s2"][0].node_id, "fusing retrievers know them apart"
        assert ArchiveRetriever.from_archive(archive, "s2").retrieve("lighthouse") == []
    by_path = ArchiveRetriever.from_archive(path, "s1", "ann")
    assert len(by_path.retrieve("lighthouse")) == 1
    by_path.session.close()


def test_a_number_that_is_none():
    with talk() as session, pytest.raises(QueryError, match="at least 1"):
        ArchiveRetriever(session, k=0)


def test_what_is_no_session():
    with pytest.raises(TypeError, match=r"of a memory: memory\.session"):
        ArchiveRetriever("chat.db")  # type: ignore[arg-type]


def test_in_a_query_engine():
    with talk() as session:
        llm = MockLLM()  # answers with its prompt
        engine = RetrieverQueryEngine(ArchiveRetriever(session, k=2), CompactAndRefine(llm=llm))
        answer = engine.query("crane number 18")
    assert "ref: m:37" in str(answer)
    assert {each.node.metadata["ref"] for each in answer.source_nodes} == {"m:37", "m:38"}


def test_in_a_chat_engine():
    with talk() as session:
        engine = ContextChatEngine(
            ArchiveRetriever(session, k=2),
            llm=MockLLM(is_chat_model=True),
            memory=ChatMemoryBuffer.from_defaults(chat_history=[ChatMessage("hello")], token_limit=1000),
            prefix_messages=[],
        )
        answer = engine.chat("crane number 18")
    assert [each.node.metadata["ref"] for each in answer.source_nodes] == ["m:37", "m:38"]


def test_all_sessions_of_the_namespace():
    with talk() as session, Session(session.archive, "s2", "ann", budget=session.budget) as other:
        other.append(user("The vault is behind the mirror."))
        assert ArchiveRetriever(session).retrieve("vault mirror") == []
        [found] = ArchiveRetriever(session, scope="namespace").retrieve("vault mirror")
        assert (found.node.node_id, found.metadata["session_id"]) == ("ann/s2/m:1", "s2")
        assert session.expand(found.metadata["ref"], scope="namespace")[0].text == found.text
