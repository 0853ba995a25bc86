"""`ArchiveRetriever`: what a session's archive knows, as LlamaIndex nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from context_compaction import Bound, QueryError, Scope, SearchHit, Session
from llamaindex_compaction.sessions import ANY_BUDGET, ArchiveLike

if TYPE_CHECKING:
    from llama_index.core.callbacks import CallbackManager

_SHOWN = ("ref", "role", "time", "name")
"""Of a node's metadata a language model is shown these; the rest is for programs."""


class ArchiveRetriever(BaseRetriever):
    """Finds what was said in a session, whether or not the model still sees it.

    ``k`` nodes, best first, fewer only where fewer answer the query. A node holds the whole text of a
    message or summary; its ``metadata["ref"]`` is the reference that `Session.expand` takes, and its ``id_``
    is unique over sessions. Besides there are ``role``, ``time``, ``name``, ``session_id``, ``namespace``,
    ``why`` (the query's words that it holds), ``because`` (all that it has to do with the query, in words)
    and ``neighbours`` (references of the messages around it). Embeddings are not needed; a session with an
    ``embedder`` weighs meaning, too. With ``scope="namespace"`` all sessions of the session's namespace are
    searched: ``session_id`` says whose a node is, ``ref`` is for `Session.expand` with this scope. Raises
    `QueryError` for a ``k`` under 1.
    """

    def __init__(
        self,
        session: Session,
        *,
        k: int = 4,
        after: Bound | None = None,
        before: Bound | None = None,
        scope: Scope = "session",
        callback_manager: CallbackManager | None = None,
        verbose: bool = False,
    ) -> None:
        """``session``: searched on the branch that it is on at the time of the call; stays yours to close.

        ``after``, ``before``: bounds of what is searched, as `Session.recall` takes them.
        """
        if not isinstance(session, Session):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
            raise TypeError(f"session is a Session, of a memory: memory.session, not {session!r:.80}")
        if k < 1:
            raise QueryError(f"k is {k}; it must be at least 1")
        self.session = session
        self.k = k
        self.after = after
        self.before = before
        self.scope: Scope = scope
        super().__init__(callback_manager=callback_manager, verbose=verbose)  # pyright: ignore[reportUnknownMemberType]

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
        return cls(session, k=k, scope=scope)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        query = query_bundle.query_str
        hits = self.session.recall(query, self.k, after=self.after, before=self.before, scope=self.scope)
        return [self._node(hit) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        query = query_bundle.query_str
        hits = await self.session.arecall(
            query, self.k, after=self.after, before=self.before, scope=self.scope
        )
        return [self._node(hit) for hit in hits]

    def _node(self, hit: SearchHit) -> NodeWithScore:
        session = self.session
        session_id = hit.session_id or session.session_id
        about: dict[str, Any] = {
            **hit.metadata,
            "session_id": session_id,
            "namespace": session.namespace,
        }
        node = TextNode(
            id_=f"{session.namespace}/{session_id}/{hit.ref.partition('@')[0]}",
            text=hit.text,
            metadata=about,
            excluded_llm_metadata_keys=[
                key for key, value in about.items() if key not in _SHOWN or value is None
            ],
            excluded_embed_metadata_keys=list(about),
        )
        return NodeWithScore(node=node, score=hit.score)
