"""`ArchiveRetriever`: what a session's archive knows, as LangChain documents."""

from __future__ import annotations

from typing import Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from context_compaction import Bound, Scope, SearchHit, Session
from langchain_compaction.sessions import ANY_BUDGET, ArchiveLike


class ArchiveRetriever(BaseRetriever):
    """Finds what was said in a session, whether or not the model still sees it.

    ``k`` documents, best first, fewer only where fewer answer the query. A document holds the whole text of
    a message or summary; its ``id`` is the reference that `Session.expand` takes, and its metadata has
    ``ref``, ``score``, ``role``, ``time``, ``name``, ``session_id``, ``namespace``, ``why`` (the query's
    words that it holds), ``because`` (all that it has to do with the query, in words) and ``neighbours``
    (references of the messages around it). ``invoke(query, after="2026-03-01", before="m:57")`` bounds what
    is searched, as `Session.recall` does. With ``scope="namespace"`` all sessions of the session's namespace
    are searched: ``session_id`` says whose a document is, ``ref`` is for `Session.expand` with this scope.
    Raises `QueryError` for a ``k`` under 1.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    session: Session
    """Searched on the branch that it is on at the time of the call; stays yours to close."""
    k: int = Field(default=4, ge=1)
    """How many documents; ``invoke(query, k=2)`` asks for another number."""
    scope: Scope = "session"
    """What is searched."""

    @classmethod
    def from_archive(
        cls,
        archive: ArchiveLike,
        session_id: str,
        namespace: str = "default",
        *,
        k: int = 4,
        embedder: Any = None,
        scope: Scope = "session",
    ) -> Self:
        """One over a session of an archive or its path, begun if it is new. Raises `ArchiveError`.

        ``embedder``: the one that the session has elsewhere, so that meaning is weighed here, too.
        """
        session = Session(archive, session_id, namespace, budget=ANY_BUDGET, embedder=embedder)
        return cls(session=session, k=k, scope=scope)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain's signature
        k: int | None = None,
        after: Bound | None = None,
        before: Bound | None = None,
    ) -> list[Document]:
        k = self.k if k is None else k
        hits = self.session.recall(query, k, after=after, before=before, scope=self.scope)
        return [self._document(hit) for hit in hits]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain's signature
        k: int | None = None,
        after: Bound | None = None,
        before: Bound | None = None,
    ) -> list[Document]:
        k = self.k if k is None else k
        hits = await self.session.arecall(query, k, after=after, before=before, scope=self.scope)
        return [self._document(hit) for hit in hits]

    def _document(self, hit: SearchHit) -> Document:
        session = self.session
        about: dict[str, Any] = {
            **hit.metadata,
            "score": hit.score,
            "session_id": hit.session_id or session.session_id,
            "namespace": session.namespace,
        }
        return Document(page_content=hit.text, id=hit.ref, metadata=about)
