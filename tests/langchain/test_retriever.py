"""`ArchiveRetriever`: what left the context is found again, as documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_tests.integration_tests import RetrieversIntegrationTests
from pydantic import ValidationError

from context_compaction import Archive, Budget, QueryError, Session, open_archive
from langchain_compaction import ArchiveRetriever, from_langchain
from tests.builders import assistant, user

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever

BUDGET = Budget(context_window=2000, reserve_tokens=0)


def talk(archive: Archive | str = ":memory:") -> Session:
    """Thirty turns; the harbour is spoken of in five of them."""
    session = Session(archive, "s1", "ann", budget=BUDGET)
    for place in range(30):
        about = "harbour crane" if place % 6 == 0 else "garden"
        asked = f"What of the {about} number {place}? " + "Tell me more. " * 8
        session.append(
            [
                user(asked, id=f"u{place}", name="ann", timestamp=f"2026-03-01T10:{place:02}:00Z"),
                assistant(f"Of the {about} {place} this is known. " + "And so on. " * 8),
            ]
        )
    return session


class TestStandard(RetrieversIntegrationTests):
    """LangChain's own suite, whole."""

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return ArchiveRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"session": talk()}

    @property
    def retriever_query_example(self) -> str:
        return "harbour crane"


def test_a_document_is_the_message_with_its_reference() -> None:
    with talk() as session:
        [found] = ArchiveRetriever(session=session).invoke("crane number 12", k=1)
        [said] = session.expand(str(found.id))
    assert found.page_content == said.text
    assert found.id == "m:25"
    assert found.metadata.pop("score") > 0
    assert found.metadata.pop("why")
    assert found.metadata.pop("because").startswith("holds ")
    assert found.metadata == {
        "ref": "m:25",
        "role": "user",
        "time": "2026-03-01T10:12:00Z",
        "name": "ann",
        "session_id": "s1",
        "namespace": "ann",
        "neighbours": ["m:23", "m:24", "m:26", "m:27"],
    }


def test_best_first_and_as_many_as_asked() -> None:
    with talk() as session:
        retriever = ArchiveRetriever(session=session, k=7)
        found = retriever.invoke("harbour crane")
        assert len(found) == 7
        scores = [document.metadata["score"] for document in found]
        assert scores == sorted(scores, reverse=True)
        assert [len(retriever.invoke("harbour crane", k=k)) for k in (1, 2, 10)] == [1, 2, 10]
        assert retriever.invoke("zeppelin") == []


def test_what_the_model_no_longer_sees_is_found() -> None:
    with talk() as session:
        seen = "\n".join(message.text for message in session.context() if not message.is_context)
        found = ArchiveRetriever(session=session).invoke("harbour crane number 0")[:2]
    assert {each.metadata["ref"] for each in found} == {"m:1", "m:2"}, "question and answer"
    assert all(each.page_content not in seen for each in found)


def test_summaries_are_documents_too() -> None:
    with talk() as session:
        session.compact()
        [summary] = [
            document
            for document in ArchiveRetriever(session=session, k=60).invoke("garden harbour crane")
            if document.metadata["role"] == "summary"
        ][:1]
    assert str(summary.id).startswith("s:")
    assert summary.page_content
    assert (summary.metadata["time"], summary.metadata["name"]) == (None, None)


async def test_async_is_the_same() -> None:
    async with talk() as session:
        retriever = ArchiveRetriever(session=session)
        assert await retriever.ainvoke("crane", k=3) == retriever.invoke("crane", k=3)
        assert await retriever.ainvoke("crane") == retriever.invoke("crane")


def test_of_an_archive_and_one_session_alone(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with open_archive(path) as archive:
        for name in ("s1", "s2"):
            Session(archive, name, "ann", budget=BUDGET).append([user(f"the lighthouse of {name}")])
        retriever = ArchiveRetriever.from_archive(archive, "s2", "ann", k=9)
        assert [found.page_content for found in retriever.invoke("lighthouse")] == ["the lighthouse of s2"]
        assert ArchiveRetriever.from_archive(archive, "s2").invoke("lighthouse") == []
    by_path = ArchiveRetriever.from_archive(path, "s1", "ann")
    assert len(by_path.invoke("lighthouse")) == 1
    by_path.session.close()


def test_a_number_that_is_none() -> None:
    with talk() as session:
        with pytest.raises(ValidationError):
            ArchiveRetriever(session=session, k=0)
        with pytest.raises(QueryError, match="at least 1"):
            ArchiveRetriever(session=session).invoke("crane", k=0)


def test_parts_and_pictures_are_found_by_their_text() -> None:
    with Session(":memory:", budget=BUDGET) as session:
        parts: list[Any] = [{"type": "text", "text": "my lighthouse"}, {"type": "image", "url": "https://a"}]
        session.append([from_langchain(HumanMessage(parts))])
        [found] = ArchiveRetriever(session=session).invoke("lighthouse")
    assert found.page_content == "my lighthouse"


def joined(documents: list[Document]) -> str:
    """What a prompt shows of them."""
    return "\n".join(f"[{document.id}] {document.page_content}" for document in documents)


def test_in_a_chain() -> None:
    prompts: list[str] = []

    def noted(prompt: Any) -> Any:
        prompts.append(prompt.to_string())
        return prompt

    with talk() as session:
        chain = (
            {
                "context": ArchiveRetriever(session=session, k=2) | RunnableLambda(joined),
                "question": RunnablePassthrough(),
            }
            | ChatPromptTemplate.from_template("Known:\n{context}\n\nQuestion: {question}")
            | noted
            | FakeListChatModel(responses=["It is known."])
            | StrOutputParser()
        )
        assert chain.invoke("crane number 18") == "It is known."
    assert "[m:37] What of the harbour crane number 18?" in prompts[0]


@pytest.mark.parametrize(
    "bounds", [{"after": "2026-03-01T10:07:00Z", "before": "2026-03-01T10:20:00Z"}, {"before": "m:14"}]
)
async def test_bounds_are_those_of_a_recall(bounds: Any) -> None:
    """By time and by reference, with both twins; LangChain hands them on."""
    with talk() as session:
        retriever = ArchiveRetriever(session=session, k=9)
        found = retriever.invoke("harbour crane", **bounds)
        assert found == await retriever.ainvoke("harbour crane", **bounds)
        expected = session.recall("harbour crane", 9, **bounds)
        assert [each.id for each in found] == [hit.ref for hit in expected]
        assert 0 < len(found) < len(session.recall("harbour crane", 99))
        with pytest.raises(QueryError, match="after is 'soon'"):
            retriever.invoke("harbour", None, after="soon")


def test_all_sessions_of_the_namespace():
    with (
        open_archive() as archive,
        talk(archive) as session,
        Session(archive, "s2", "ann", budget=BUDGET) as other,
    ):
        other.append(user("The vault is behind the mirror."))
        assert ArchiveRetriever(session=session).invoke("vault mirror") == []
        [found] = ArchiveRetriever(session=session, scope="namespace").invoke("vault mirror")
        assert (found.id, found.metadata["session_id"]) == ("m:1@s2", "s2")
        assert session.expand(found.metadata["ref"], scope="namespace")[0].text == found.page_content
