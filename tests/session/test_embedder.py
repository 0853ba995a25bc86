"""A session with an embedder: recall and the recalled block weigh meaning, and no turn waits or fails."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.messages import HumanMessage

from context_compaction import Budget, MissingPackage, Session, SQLiteArchive
from context_compaction.archive import VectorModel
from context_compaction.recall import guarded
from context_compaction.testing.embedders import HangingEmbedder, HashedEmbedder, SpoiltEmbedder
from langchain_compaction import CompactionChatMessageHistory, ConversationCompactionMemory
from tests.session.talks import session, turns
from tests.windows import assistant, user

ROOT = Path(__file__).parents[2]
FACT = "my bicycle is called Pegasus and stands in Lisbon"
QUESTION = "bicyclist pegasuslike lisbonner"
"""Holds no word of it."""
_BUDGET = Budget(8192)


def compacted(embedder: Any, archive: Any = ":memory:", **options: Any) -> Session:
    """From whose view the fact has left."""
    s = session(archive, embedder=embedder, **options)
    s.append([user(FACT), assistant("a fine name"), *turns(1, 8)])
    s.compact()
    return s


def block(s: Session) -> str:
    return next((message.text for message in s.context() if message.is_recalled), "")


def failing(vectors: object) -> object:
    raise RuntimeError("no network")


def test_recall_and_the_recalled_block_weigh_meaning():
    embedder = HashedEmbedder()
    with compacted(embedder) as s, compacted(None) as plain:
        s.drain()
        assert (s.stats.unembedded, s.stats.embedder_trouble) == (0, "")
        assert plain.recall(QUESTION) == []
        [best, *_] = s.recall(QUESTION)
        assert (best.ref, best.why) == ("m:1", ())
        assert FACT in s.recall_for(QUESTION).text  # pyright: ignore[reportOptionalMemberAccess]
        s.append(user(QUESTION))
        plain.append(user(QUESTION))
        assert FACT in block(s)
        assert block(plain) == ""
        assert plain.stats.unembedded is None


def test_pages_go_by_words():
    """A vector that is made between two pages changes nothing of them."""
    embedder = HashedEmbedder()
    with session(embedder=embedder) as s:
        s.append([user(f"tide table number {number}") for number in range(9)])
        first = s.recall_page("tidal tide tables", max_tokens=30)
        s.drain()
        assert s.stats.unembedded == 0
        pages = [first]
        while (cursor := pages[-1].next) is not None:
            pages.append(s.recall_page("tidal tide tables", max_tokens=30, cursor=cursor))
        assert sorted(hit.ref for page in pages for hit in page.items) == [f"m:{n}" for n in range(1, 10)]
        assert len(pages) > 2
        assert embedder.asked == []
        assert s.recall_page("tabletide").items == ()


async def test_async_twins_do_too():
    async with compacted(HashedEmbedder()) as s:
        await asyncio.to_thread(s.drain)
        assert [hit.ref for hit in await s.arecall(QUESTION, 1)] == ["m:1"]
        await s.aappend(user(QUESTION))
        assert any(FACT in message.text for message in await s.acontext() if message.is_recalled)
        await asyncio.to_thread(s.drain)
        assert s.stats.unembedded == 0


def test_summaries_branches_and_lists_are_embedded_as_they_come():
    embedder = HashedEmbedder()
    with compacted(embedder) as s:
        s.drain()
        assert any("Pegasus" in text and "##" in text for text in embedder.seen), "the summary"
        s.fork(2)
        s.append(user("said on the branch"))
        s.drain()
        assert "said on the branch" in embedder.seen
        s.sync([user("another list altogether")])
        s.drain()
        assert "another list altogether" in embedder.seen
        assert s.stats.unembedded == 0
        assert len(embedder.seen) == len(set(embedder.seen)), "nothing is embedded twice"


@pytest.mark.parametrize("embedder", [SpoiltEmbedder(failing), HangingEmbedder()], ids=["raises", "hangs"])
def test_no_turn_fails_or_waits_for_long(embedder: HashedEmbedder, monkeypatch: pytest.MonkeyPatch):
    """It goes as without one, and the stats say why."""
    monkeypatch.setattr(guarded, "QUERY_SECONDS", 0.05)
    with compacted(embedder) as s, compacted(None) as plain:
        for each in (s, plain):
            each.append(user("where does Pegasus stand?"))
        s.drain(0.05)
        assert [message.text for message in s.context()] == [message.text for message in plain.context()]
        assert [hit.ref for hit in s.recall("Pegasus")] == [hit.ref for hit in plain.recall("Pegasus")]
        assert s.after_turn() == plain.after_turn()
        stats = s.stats
        assert stats.unembedded
        assert stats.embedder_trouble
    if isinstance(embedder, HangingEmbedder):
        embedder.release.set()


def test_a_session_ends_while_its_embedder_hangs(tmp_path: Path):
    """At once, with its archive; the next one catches up."""
    embedder, path = HangingEmbedder(), tmp_path / "chat.db"
    with session(path, embedder=embedder) as s:
        s.append(user(FACT))
        assert embedder.entered.wait(30)
    embedder.release.set()
    with session(path, embedder=HashedEmbedder(name="hanging")) as s:
        s.drain()
        assert s.stats.unembedded == 0
        assert s.recall(QUESTION)[0].ref == "m:1"


KILLED = """
import sys, os, signal
from context_compaction import Budget, Session

class Deadly:
    name = "hashed"
    def embed(self, texts):
        print("embedding", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

session = Session(sys.argv[1], budget=Budget(context_window=8192), embedder=Deadly())
session.append([{"role": "user", "content": sys.argv[2]}, {"role": "user", "content": "more"}])
print("stored", flush=True)
session.drain(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_killed_between_storing_and_embedding(tmp_path: Path):
    """What was stored is there, whole, and gets its vectors at the next opening."""
    path = tmp_path / "chat.db"
    with session(path):
        pass
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), FACT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert "embedding" in killed.stdout
    with SQLiteArchive(path) as archive, Session(archive, budget=_BUDGET, embedder=HashedEmbedder()) as s:
        s.drain()
        stored = [message.text for message in s.history()]
        assert stored == [FACT, "more"][: len(stored)]
        assert ("stored" in killed.stdout) <= (len(stored) == 2)
        assert s.stats.unembedded == 0
        assert archive.verify() == []
        branch = archive.open_session("default", "default").branch
        assert len(archive.nearest(branch, VectorModel("hashed", 256), HashedEmbedder().vector("x"))) == len(
            stored
        )


class LangChains(Embeddings):
    """A LangChain embedder."""

    model_name = "hashed-for-langchain"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [list(HashedEmbedder().vector(text)) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return list(HashedEmbedder().vector(text))


def test_langchain_faces_take_it(tmp_path: Path):
    """Memory and history hand it on, and both find what the other embedded."""
    path, embedder = tmp_path / "chat.db", LangChains()
    history = CompactionChatMessageHistory("s", path, embedder=embedder)
    history.add_message(HumanMessage(FACT))
    history.session.drain()
    assert history.session.recall(QUESTION)[0].ref == "m:1"
    history.close()
    memory = ConversationCompactionMemory(archive=path, session_id="s", embedder=embedder)
    assert [hit.ref for hit in memory.recall(QUESTION)] == ["m:1"]
    memory.close()


def test_an_archive_that_keeps_no_vectors_is_searched_by_words():
    """And the stats say so."""

    class Plain(SQLiteArchive):
        @property
        def keeps_vectors(self) -> bool:
            return False

    embedder = HashedEmbedder()
    with Plain() as archive, session(archive, embedder=embedder) as s:
        s.append(user(FACT))
        s.drain()
        assert [hit.ref for hit in s.recall("Pegasus")] == ["m:1"]
        assert s.recall(QUESTION) == []
        assert "keeps no vectors" in s.stats.embedder_trouble
        assert embedder.seen == embedder.asked == []


def test_nonsense_is_refused_at_once():
    with pytest.raises(TypeError, match="embedder must be"):
        session(embedder=3)  # pyright: ignore[reportArgumentType]


def test_without_numpy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("context_compaction.recall.embedding.find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"context-compaction\[embeddings\]"):
        session(embedder=HashedEmbedder())


def test_sessions_share_the_turns_of_an_embedder():
    """One that is not made for several callers is never called by two at once."""

    class Alone(HashedEmbedder):
        busy = False

        def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
            assert not self.busy
            self.busy = True
            try:
                return super().embed(texts)
            finally:
                self.busy = False

    embedder = Alone()
    with SQLiteArchive() as archive:
        sessions = [Session(archive, f"s{n}", budget=_BUDGET, embedder=embedder) for n in range(4)]
        for one in sessions:
            one.append([user(f"{FACT} {n}") for n in range(40)])
        for one in sessions:
            one.recall(QUESTION)
            one.drain(30)
            assert (one.stats.unembedded, one.stats.embedder_trouble) == (0, "")
            one.close()
