"""Contract checks of vectors: what is near, of whom, and that they go with what they are of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from tempfile import TemporaryDirectory

import pytest

from context_compaction.archive import Archive, Fork, VectorModel
from context_compaction.errors import StaleView
from context_compaction.testing.archive_contract import Backend
from context_compaction.testing.archive_rows import Writer, commit, summary
from context_compaction.text.embedding import cosine
from context_compaction.view import Gap, View

MODEL = VectorModel("round", 4)
OTHER = VectorModel("square", 4)
LONG = VectorModel("round", 5)


def around(*degrees: float) -> dict[str, Sequence[float]]:
    """Vectors of the first messages, by the angle that they stand at."""
    return {f"m:{seq}": at(angle) for seq, angle in enumerate(degrees, 1)}


def at(angle: float, length: float = 3.0) -> tuple[float, ...]:
    """A vector of `MODEL`."""
    turned = math.radians(angle)
    return (length * math.cos(turned), length * math.sin(turned), 0.0, 0.0)


def found(
    archive: Archive, branch: int, angle: float = 0.0, limit: int = 300, model: VectorModel = MODEL
) -> list[str]:
    """References of what is near, nearest first."""
    near = archive.nearest(branch, model, at(angle)[: model.dimension], limit)
    return [f"s:{one.summary}" if one.summary else f"m:{one.seq}" for one in near]


def said(archive: Archive, *degrees: float, session: str = "s", namespace: str = "default") -> Writer:
    """A session with a message for each angle."""
    writer = Writer.of(archive, session, namespace)
    writer.say(*(f"text at {angle}" for angle in degrees))
    archive.add_vectors(writer.branch, MODEL, around(*degrees))
    return writer


def the_nearest_are_found(backend: Backend) -> None:
    """By their cosine, whatever their length; with those beside, and summaries by what they stand for."""
    with backend.opened() as archive:
        assert archive.keeps_vectors
        branch = said(archive, 80, 10, 40, -20, 170).branch
        archive.commit(branch, commit(0, summary(1, ranges=((3, 4),)), at_seq=5))
        archive.add_vectors(branch, MODEL, {"s:1": at(5, 0.01)})
        near = archive.nearest(branch, MODEL, at(0, 50.0))
        assert [(one.seq, one.summary) for one in near] == [(3, 1), (2, 0), (4, 0), (3, 0), (1, 0), (5, 0)]
        for one, angle in zip(near, (5, 10, 20, 40, 80, 170), strict=True):
            assert one.similarity == pytest.approx(cosine(at(0), at(angle)), abs=0.01)
        assert found(archive, branch, limit=2) == ["s:1", "m:2"]
        beside = archive.nearest(branch, MODEL, at(0), 2, beside=[2, 5, 77])
        assert [(one.seq, one.summary) for one in beside] == [(3, 1), (2, 0), (5, 0)]
        assert [one.seq for one in archive.nearest(branch, MODEL, at(0), 0, beside=[1])] == [1]
        assert archive.verify() == []


def what_has_no_vector_is_named(backend: Backend) -> None:
    """In the order of the log, then summaries; what cannot be embedded is not named again."""
    with backend.opened() as archive:
        writer = said(archive, 10, 20)
        writer.say("three", "four", "five")
        branch = writer.branch
        archive.commit(branch, commit(0, summary(1), summary(2, ranges=((5, 5),)), at_seq=5))
        assert archive.unembedded(branch, MODEL) == ["m:3", "m:4", "m:5", "s:1", "s:2"]
        assert archive.unembedded(branch, MODEL, 2) == ["m:3", "m:4"]
        assert archive.unembedded(branch, MODEL, after=(4, 1)) == ["m:5", "s:2"]
        archive.add_vectors(branch, MODEL, {"m:4": None, "s:1": at(3)})
        assert archive.unembedded(branch, MODEL) == ["m:3", "m:5", "s:2"]
        assert found(archive, branch) == ["s:1", "m:1", "m:2"]
        assert len(archive.unembedded(branch, OTHER)) == 7


def a_vector_is_kept_once(backend: Backend) -> None:
    """Two who embed the same log at once: the first stays, and what is not there is left out."""
    with backend.opened() as archive:
        branch = said(archive, 10, 90).branch
        archive.add_vectors(branch, MODEL, around(90, 10, 0) | {"s:9": at(0)})
        assert found(archive, branch) == ["m:1", "m:2"]
        with pytest.raises(ValueError, match="of 3, not of 4 numbers"):
            archive.add_vectors(branch, MODEL, {"m:1": (1.0, 0.0, 0.0)})


def models_are_never_mixed(backend: Backend) -> None:
    """One of another name or length has vectors of its own; of three, the oldest go."""
    with backend.opened() as archive:
        branch = said(archive, 10, 90).branch
        assert (found(archive, branch, model=OTHER), archive.nearest(branch, LONG, [1.0] * 5)) == ([], [])
        archive.add_vectors(branch, OTHER, {"m:2": at(0)})
        assert found(archive, branch, model=OTHER) == ["m:2"]
        assert found(archive, branch) == ["m:1", "m:2"]
        archive.add_vectors(branch, LONG, {"m:1": [1.0] * 5})
        assert found(archive, branch) == []
        assert (found(archive, branch, model=OTHER), len(archive.nearest(branch, LONG, [1.0] * 5))) == (
            ["m:2"],
            1,
        )
        archive.add_vectors(branch, MODEL, {"m:1": at(0)})  # back to an older one
        assert (found(archive, branch), archive.nearest(branch, LONG, [1.0] * 5) != []) == (["m:1"], True)
        assert found(archive, branch, model=OTHER) == []
        assert archive.verify() == []


def sessions_are_never_near(backend: Backend) -> None:
    """A vector of another session or namespace is not found, nor moves one that is."""
    with backend.opened() as archive:
        mine = said(archive, 30, 60)
        before = archive.nearest(mine.branch, MODEL, at(0))
        for session, namespace in (("theirs", "default"), ("s", "other")):
            said(archive, *range(20), session=session, namespace=namespace)
        assert archive.nearest(mine.branch, MODEL, at(0)) == before
        assert archive.nearest(mine.branch, MODEL, at(0), 0, beside=range(1, 30)) == sorted(
            before, key=lambda one: one.seq
        )


def a_branch_is_near_to_what_it_sees(backend: Backend) -> None:
    """Its ancestors up to the fork, whoever embedded them, and never the other branch."""
    with backend.opened() as archive:
        writer = said(archive, 10, 20, 30, 1)
        archive.commit(writer.branch, commit(0, summary(1), at_seq=4))
        archive.add_vectors(writer.branch, MODEL, {"s:1": at(0)})
        child = archive.fork(writer.branch, Fork(3, View(), 0, {}, session_id="child"))
        Writer.of(archive, "child").say("on the branch")
        assert archive.unembedded(child, MODEL) == ["m:4"]
        archive.add_vectors(child, MODEL, {"m:4": at(5)})
        assert found(archive, child) == ["m:4", "m:1", "m:2", "m:3"]
        assert found(archive, writer.branch) == ["s:1", "m:4", "m:1", "m:2", "m:3"]
        archive.add_vectors(child, OTHER, around(10, 20))
        assert found(archive, writer.branch, model=OTHER) == ["m:1", "m:2"]
        assert archive.unembedded(writer.branch, OTHER) == ["m:3", "m:4", "s:1"]


def vectors_go_with_their_messages(backend: Backend) -> None:
    """By prune and forget, for another handle too that has just searched."""
    with backend.opened() as archive, backend.opened() as other:
        reader = other if backend.durable else archive
        writer = said(archive, 10, 20, 30, 40)
        said(archive, 5, session="kept")
        assert found(reader, writer.branch) == ["m:1", "m:2", "m:3", "m:4"]
        gone = replace(commit(0, summary(1, ranges=((1, 2),)), at_seq=2), view=View(1, 2, (Gap(1, 2),)))
        archive.commit(writer.branch, gone)
        assert archive.prune(max_age=0).messages == 2
        assert found(reader, writer.branch) == ["m:3", "m:4"]
        archive.add_vectors(writer.branch, MODEL, around(0, 0))
        assert (found(reader, writer.branch), archive.verify()) == (["m:3", "m:4"], [])
        archive.forget("s")
        for one in (archive, reader):
            with pytest.raises(StaleView):
                one.nearest(writer.branch, MODEL, at(0))
        with pytest.raises(StaleView):
            archive.add_vectors(writer.branch, MODEL, around(0))
        again = Writer.of(archive, "s")
        again.say("anew")
        assert (found(reader, again.branch), archive.unembedded(again.branch, MODEL)) == ([], ["m:1"])
        assert found(reader, archive.open_session("default", "kept").branch) == ["m:1"]
        assert archive.verify() == []


def a_fork_keeps_the_vectors_that_it_shares(backend: Backend) -> None:
    """When its ancestor is forgotten: those of what it sees, and no others."""
    with backend.opened() as archive:
        writer = said(archive, 10, 20, 0)
        child = archive.fork(writer.branch, Fork(2, View(), 0, {}, session_id="child"))
        assert found(archive, writer.branch) == ["m:3", "m:1", "m:2"]
        archive.forget("s", forks="detach")
        assert found(archive, child) == ["m:1", "m:2"]
        for branch in archive.branches(child):
            assert "m:3" not in found(archive, branch.id)
        assert archive.verify() == []


def an_import_embeds_anew(backend: Backend) -> None:
    """An export carries no vectors, as it carries no index: they are made of what it carries."""
    from context_compaction.archive import SQLiteArchive

    with backend.opened() as archive, SQLiteArchive() as other, TemporaryDirectory() as folder:
        branch = said(archive, 10, 20).branch
        archive.export(f"{folder}/all.jsonl")
        other.import_(f"{folder}/all.jsonl")
        copy = other.open_session("default", "s").branch
        assert (found(other, copy), other.unembedded(copy, MODEL)) == ([], ["m:1", "m:2"])
        other.add_vectors(copy, MODEL, around(10, 20))
        assert other.nearest(copy, MODEL, at(0)) == archive.nearest(branch, MODEL, at(0))


CHECKS = (
    the_nearest_are_found,
    what_has_no_vector_is_named,
    a_vector_is_kept_once,
    models_are_never_mixed,
    sessions_are_never_near,
    a_branch_is_near_to_what_it_sees,
    vectors_go_with_their_messages,
    a_fork_keeps_the_vectors_that_it_shares,
    an_import_embeds_anew,
)
