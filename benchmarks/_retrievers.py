"""What others search conversations with, as it comes: one a conversation, made at its first question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from benchmarks import Skipped
from benchmarks._minilm import MiniLM
from benchmarks._questions import Conversation, Question, Search

Ask = Callable[[str, int], list[int]]
"""From a text and k to the numbers of messages, best first."""


def bm25_retriever() -> Search:
    """LangChain's, by words."""
    _require("langchain_community", "rank_bm25")
    from langchain_community.retrievers import BM25Retriever

    def made(conversation: Conversation) -> Ask:
        retriever = BM25Retriever.from_texts(conversation.texts, _numbers(conversation))

        def ask(text: str, k: int) -> list[int]:
            retriever.k = k
            return [document.metadata["seq"] for document in retriever.invoke(text)]

        return ask

    return _each(made)


def in_memory_vector_store(model: MiniLM) -> Search:
    """LangChain's, by vectors."""
    _require("langchain_core")
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import InMemoryVectorStore

    class Embedded(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return model.embed(texts)

        def embed_query(self, text: str) -> list[float]:
            return model.embed_query(text)

    def made(conversation: Conversation) -> Ask:
        store = InMemoryVectorStore(Embedded())
        store.add_texts(list(conversation.texts), _numbers(conversation))
        return lambda text, k: [found.metadata["seq"] for found in store.similarity_search(text, k)]

    return _each(made)


def vector_memory_block(model: MiniLM) -> Search:
    """LlamaIndex's, by vectors, over its own SimpleVectorStore with the nodes kept beside."""
    _require("llama_index")
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.base.llms.types import ChatMessage
    from llama_index.core.bridge.pydantic import Field
    from llama_index.core.memory import VectorMemoryBlock
    from llama_index.core.vector_stores import SimpleVectorStore

    class Embedded(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return model.embed([text])[0]

        def _get_query_embedding(self, query: str) -> list[float]:
            return model.embed_query(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return model.embed_query(query)

    class Stored(SimpleVectorStore):
        stores_text: bool = True
        kept: dict[str, Any] = Field(default_factory=dict)
        ranked: list[str] = Field(default_factory=list)

        def add(self, nodes: Any, **options: Any) -> list[str]:
            self.kept.update((node.node_id, node) for node in nodes)
            return super().add(nodes, **options)

        def query(self, query: Any, **options: Any) -> Any:
            result = super().query(query, **options)
            self.ranked = list(result.ids or ())
            result.nodes = [self.kept[name] for name in self.ranked]
            return result

    def made(conversation: Conversation) -> Ask:
        store = Stored()
        block = VectorMemoryBlock(vector_store=store, embed_model=Embedded())

        async def fill() -> list[int]:
            seqs: list[int] = []
            for seq, text in enumerate(conversation.texts, 1):
                before = len(store.kept)
                await block.aput([ChatMessage(role="user", content=text)])
                seqs += [seq] * (len(store.kept) - before)
            return seqs

        seqs = asyncio.run(fill())
        places = dict(zip(store.kept, seqs, strict=True))

        def ask(text: str, k: int) -> list[int]:
            block.similarity_top_k = k
            asyncio.run(block.aget([ChatMessage(role="user", content=text)]))
            return [places[name] for name in store.ranked]

        return ask

    return _each(made)


def _each(made: Callable[[Conversation], Ask]) -> Search:
    known: dict[int, Ask] = {}

    def search(question: Question, k: int) -> list[int]:
        branch = question.asked_of.branch
        if branch not in known:
            known[branch] = made(question.asked_of)
        return known[branch](question.text, k)

    return search


def _numbers(conversation: Conversation) -> list[dict[str, Any]]:
    return [{"seq": seq} for seq in range(1, len(conversation.texts) + 1)]


def _require(*packages: str) -> None:
    if not all(map(find_spec, packages)):
        raise Skipped(f"{' or '.join(packages)} is not installed")
