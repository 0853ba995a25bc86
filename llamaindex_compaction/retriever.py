"""`ArchiveRetriever`: what a session's archive knows, as LlamaIndex nodes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from context_compaction import Archive, Budget, QueryError, SearchHit, Session

if TYPE_CHECKING:
    from llama_index.core.callbacks import CallbackManager

_ANY_BUDGET = Budget(context_window=1_000_000)
"""Searching needs none."""
_SHOWN = ("ref", "role", "time", "name")
"""Of a node's metadata a language model is shown these; the rest is for programs."""


class ArchiveRetriever(BaseRetriever):
    """Finds what was said in a session, whether or not the model still sees it.

    ``k`` nodes, best first, fewer only where fewer answer the query. A node holds the whole text of a
    message or summary; its ``metadata["ref"]`` is the reference that `Session.expand` takes, and its ``id_``
    is unique over sessions. Besides there are ``role``, ``time``, ``name``, ``session_id``, ``namespace``,
    ``why`` (the query's words that it holds) and ``neighbours`` (references of the messages around it).
    Embeddings are not needed. Raises `QueryError` for a ``k`` under 1.
    """

    def __init__(
        self,
        session: Session,
        *,
        k: int = 4,
        callback_manager: CallbackManager | None = None,
        verbose: bool = False,
    ) -> None:
        """``session``: searched on the branch that it is on at the time of the call; stays yours to close."""
        if k < 1:
            raise QueryError(f"k is {k}; it must be at least 1")
        self.session = session
        self.k = k
        super().__init__(callback_manager=callback_manager, verbose=verbose)  # pyright: ignore[reportUnknownMemberType]

    @classmethod
    def from_archive(
        cls,
        archive: str | os.PathLike[str] | Archive,
        session_id: str,
        namespace: str = "default",
        *,
        k: int = 4,
    ) -> Self:
        """One over a session of an archive or its path, begun if it is new. Raises `ArchiveError`."""
        return cls(Session(archive, session_id, namespace, budget=_ANY_BUDGET), k=k)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [self._node(hit) for hit in self.session.recall(query_bundle.query_str, self.k)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [self._node(hit) for hit in await self.session.arecall(query_bundle.query_str, self.k)]

    def _node(self, hit: SearchHit) -> NodeWithScore:
        said, summary = hit.message, hit.summary
        text = said.text if said is not None else "" if summary is None else summary.text
        about: dict[str, Any] = {
            "ref": hit.ref,
            "role": "summary" if said is None else said.role,
            "time": None if said is None else said.timestamp,
            "name": None if said is None else said.name,
            "session_id": self.session.session_id,
            "namespace": self.session.namespace,
            "why": list(hit.why),
            "neighbours": list(hit.neighbours),
        }
        node = TextNode(
            id_=f"{self.session.namespace}/{self.session.session_id}/{hit.ref}",
            text=text,
            metadata=about,
            excluded_llm_metadata_keys=[
                key for key, value in about.items() if key not in _SHOWN or value is None
            ],
            excluded_embed_metadata_keys=list(about),
        )
        return NodeWithScore(node=node, score=hit.score)
