"""Contract checks of the search that crosses sessions: never a namespace, and each message once."""

from __future__ import annotations

from context_compaction.archive import Archive, Fork, SearchPool, Within
from context_compaction.messages import Message, TextBlock
from context_compaction.recall import recall_over
from context_compaction.testing.archive_contract import Backend
from context_compaction.testing.archive_prune import compacted
from context_compaction.testing.archive_rows import Writer, commit, summary
from context_compaction.testing.archive_search import HOSTILE
from context_compaction.testing.archive_vectors import LONG, MODEL, around, at, said
from context_compaction.text.periods import periods_of
from context_compaction.view import Kept, Summary, View

DAY = 86_400.0
QUERY = "apple pear plum of fruit"


def all_sessions_of_a_namespace_are_found(backend: Backend) -> None:
    """By one ranking; a hit says whose it is, and so do its neighbours."""
    with backend.opened() as archive:
        Writer.of(archive, "ann", "n").say("a pear", "the apple pie", "quite")
        Writer.of(archive, "b@b, x", "n").say("apple")
        Writer.of(archive, "eve", "other").say("apple", "apple pie")
        hits = {hit.ref: hit for hit in recall_over(archive, "n", "apple pie")}
        assert list(hits) == ["m:2@ann", "m:3@ann", "m:1@ann", "m:1@b@b, x"]
        assert [hit.session_id for hit in hits.values()] == ["ann", "ann", "ann", "b@b, x"]
        assert hits["m:2@ann"].neighbours == ("m:1@ann", "m:3@ann")
        assert hits["m:2@ann"].text == "the apple pie"
        assert hits["m:1@ann"].reasons[0].ref == "m:2@ann"
        assert recall_over(archive, "nowhere", "apple pie") == []


def namespaces_are_never_mixed(backend: Backend) -> None:
    """Neither hits nor scores change with what others say, whichever of them is the larger."""
    with backend.opened() as archive:
        for name in ("a", "b"):
            Writer.of(archive, name, "n").say("apple", f"pear {name}", "plum apple", "fig")
        alone = found(archive, "n")
        assert len(alone) == 8
        for number in range(1, 30):
            writer = Writer.of(archive, f"s{number}", f"other {number % 3}")
            writer.say(*("apple pear" for _ in range(number)), "~n1 plum")
            assert found(archive, "n") == alone
        archive.forget("a", "n")
        assert {ref.partition("@")[2] for ref, _ in found(archive, "n")} == {"b"}
        archive.forget("b", "n")
        assert found(archive, "n") == []


def what_sessions_share_is_found_once(backend: Backend) -> None:
    """By the oldest that shows it; what a session left behind is not found, until it goes back to it."""
    with backend.opened() as archive:
        writer = Writer.of(archive, "s")
        writer.say("apple 1", "apple 2", "apple 3")
        archive.commit(writer.branch, commit(0, summary(1, "apple jam", ranges=((3, 3),)), at_seq=3))
        archive.fork(writer.branch, Fork(2, View(), 0, {}, session_id="child"))
        Writer.of(archive, "child").say("apple 4")
        assert refs(archive) == {"m:1@s", "m:2@s", "m:3@s", "s:1@s", "m:3@child"}
        again = archive.fork(writer.branch, Fork(1, View(), 0, {}, activate=True))
        Writer.of(archive, "s").say("apple 5")
        # The second is shown by the child alone now.
        assert refs(archive) == {"m:1@child", "m:2@child", "m:3@child", "m:2@s"}
        pool = archive.search_sessions("default", ["appl"])
        assert len(pool.documents) == 4
        assert pool.frequencies == {"appl": 6}, "what was left behind still counts"
        [third] = archive.messages_at([(again, 2), (again, 3), (again, 99)]).values()
        assert third.text == "apple 5"
        [other] = [hit for hit in recall_over(archive, "default", "apple 5") if hit.ref == "m:2@s"]
        assert (other.text, archive.active("default", "s")) == ("apple 5", again)
        archive.activate(writer.branch)
        assert refs(archive) == {"m:1@s", "m:2@s", "m:3@s", "s:1@s", "m:3@child"}
        archive.forget("s", forks="detach")
        assert refs(archive) == {"m:1@child", "m:2@child", "m:3@child"}
        assert next(hit.text for hit in recall_over(archive, "default", "apple 2")) == "apple 2"
        assert archive.active("default", "s") is None


def what_is_pruned_is_not_found(backend: Backend) -> None:
    """In any session, while its summary is."""
    with backend.opened() as archive:
        for name in ("a", "b"):
            writer = Writer.of(archive, name)
            writer.say("apple", "pear", "plum", "fig")
            compacted(writer, Summary(1), Kept(3), head_end=3, ranges=((1, 2),))
        before = refs(archive)
        assert {ref for ref in before if ref[0] == "s"} == {"s:1@a", "s:1@b"}
        assert archive.prune(max_age=0).messages > 0
        after = refs(archive)
        assert {"s:1@a", "s:1@b"} <= after < before


def time_bounds_the_sessions(backend: Backend) -> None:
    """Only what was said then, and nothing beside it; a time that is asked for weighs."""
    with backend.opened() as archive:
        for name in ("a", "b"):
            Writer.of(archive, name).append(*(_said(f"apple {name}{day}", day) for day in range(6)))
        pool = archive.search_sessions("default", ["appl"], within=Within(2 * DAY, 4 * DAY))
        assert {found.first for found in pool.documents} == {3, 4}
        assert pool.frequencies == {"appl": 12}, "rarity is that of all"
        branches = {found.branch for found in pool.documents}
        seats = archive.seats([(b, seq) for b in branches for seq in (2, 3, 4, 5)], Within(2 * DAY, 4 * DAY))
        assert set(seats) == {(branch, seq) for branch in branches for seq in (3, 4)}
        dated = archive.search_sessions("default", ["appl"], periods=periods_of("on January 3rd"))
        assert [sorted(found.periods) for found in dated.documents if found.first == 3] == [[0], [0]]
        assert list(dated.period_frequencies) == [2]
        assert recall_over(archive, "default", "which apple on 3 January", 2)[0].text.endswith("2")


def a_moment_of_a_namespace_is_kept(backend: Backend) -> None:
    """What comes later, in whatever session, is neither found nor counted."""
    with backend.opened() as archive:
        Writer.of(archive, "a").say("apple", "pear", "plum")
        Writer.of(archive, "b").say("apple")
        moment, before = archive.moment("default"), archive.search_sessions("default", ["appl", "pear"])
        Writer.of(archive, "a").say("apple pear")
        Writer.of(archive, "c").say("pear", "apple")
        after = archive.search_sessions("default", ["appl", "pear"], within=Within(moment=moment))
        assert by_ref(after) == by_ref(before)
        assert after.frequencies == before.frequencies == {"appl": 2, "pear": 1}
        assert (after.total, after.mean_length, after.sittings) == (4, 1.0, 2)
        assert archive.search_sessions("default", ["appl"]).total == 7


def a_limit_keeps_the_rarest_of_all(backend: Backend) -> None:
    """Of common words the newest, from whatever session."""
    with backend.opened() as archive:
        first, second = Writer.of(archive, "a"), Writer.of(archive, "b")
        first.say(*("common" for _ in range(40)), "common pin")
        second.say(*("common" for _ in range(40)))
        first.say("common")
        pool = archive.search_sessions("default", ["common", "pin"], 10)
        owners = archive.session_ids({one.branch for one in pool.documents})
        taken = {f"{one.ref}@{owners[one.branch]}" for one in pool.documents}
        assert taken == {"m:41@a", "m:42@a", *(f"m:{seq}@b" for seq in range(33, 41))}
        assert dict(pool.frequencies) == {"common": 82, "pin": 1}


def hostile_text_crosses_nothing(backend: Backend) -> None:
    """A query that looks like the index's own words finds what says it, in its namespace alone."""
    queries = (*HOSTILE, "~n1", "~b1 ~n1 ~n2", '" OR "~n2', "x" * 1_000_000)
    with backend.opened() as archive:
        Writer.of(archive, "a", "n").say("apple", *HOSTILE)
        Writer.of(archive, "b", "other").say("apple", "secret ~n1 n2", *HOSTILE)
        for query in queries:
            hits = recall_over(archive, "n", f"{query} apple", 99)
            assert {hit.session_id for hit in hits} == {"a"}, query
            assert all(hit.session_id == "a" for hit in recall_over(archive, "n", query)), query


def vectors_cross_sessions_alone(backend: Backend) -> None:
    """The nearest of a namespace, each by the branch that shows it, and nothing that is left behind."""
    with backend.opened() as archive:
        first = said(archive, 10, 40, 70, session="a", namespace="n")
        said(archive, 20, 50, session="b", namespace="n")
        said(archive, *range(30), session="c", namespace="other")
        before = near(archive)
        assert [ref for ref, _ in before] == ["m:1@a", "m:1@b", "m:2@a", "m:2@b", "m:3@a"]
        assert near(archive, 2) == before[:2]
        beside = archive.nearest_over("n", MODEL, at(0), 0, beside=[(first.branch, 3), (first.branch, 9)])
        assert [(branch, one.seq) for branch, one in beside] == [(first.branch, 3)]
        assert beside[0][1].similarity == dict(before)["m:3@a"]
        child = archive.fork(first.branch, Fork(1, View(), 0, {}))
        assert [ref for ref, _ in near(archive, 3)] == ["m:1@a", "m:1@b", "m:2@b"]
        assert archive.nearest_over("n", MODEL, at(0), 0, beside=[(child, 1), (child, 2)])[0][0] == child
        archive.activate(first.branch)
        assert near(archive) == before
        archive.forget("a", "n", forks="cascade")
        assert [ref for ref, _ in near(archive)] == ["m:1@b", "m:2@b"]
        said(archive, 15, session="d", namespace="n")
        assert [ref for ref, _ in near(archive)] == ["m:1@d", "m:1@b", "m:2@b"]
        assert near(archive, namespace="nowhere") == archive.nearest_over("n", LONG, [1.0] * 5) == []


def vectors_are_bound_by_time_and_moment(backend: Backend) -> None:
    """As words are; of those beside, too."""
    with backend.opened() as archive:
        writer = Writer.of(archive, "a", "n")
        writer.append(*(_said(f"day {day}", day) for day in range(5)))
        archive.add_vectors(writer.branch, MODEL, around(0, 10, 20, 30, 40))
        within, moment = Within(1 * DAY, 3 * DAY), Within(moment=archive.moment("n"))
        assert [one.seq for _, one in archive.nearest_over("n", MODEL, at(0), within=within)] == [2, 3]
        places = [(writer.branch, seq) for seq in range(1, 6)]
        bounded = archive.nearest_over("n", MODEL, at(0), 0, beside=places, within=within)
        assert {one.seq for _, one in bounded} == {2, 3}
        said(archive, 5, session="b", namespace="n")
        assert len(archive.nearest_over("n", MODEL, at(0), within=moment)) == 5


def near(archive: Archive, limit: int = 300, namespace: str = "n") -> list[tuple[str, float]]:
    """What is near, nearest first."""
    found = archive.nearest_over(namespace, MODEL, at(0), limit)
    names = archive.session_ids({branch for branch, _ in found})
    return [(f"m:{one.seq}@{names[branch]}", one.similarity) for branch, one in found]


def found(archive: Archive, namespace: str) -> list[tuple[str, float]]:
    """What a search finds, and how good it is."""
    return [(hit.ref, hit.score) for hit in recall_over(archive, namespace, QUERY, 50)]


def refs(archive: Archive) -> set[str]:
    """What is found of all."""
    return {hit.ref for hit in recall_over(archive, "default", QUERY, 99)}


def by_ref(pool: SearchPool) -> set[tuple[int, str]]:
    """The documents of a pool."""
    return {(document.branch, document.ref) for document in pool.documents}


def _said(text: str, day: int) -> Message:
    return Message("user", (TextBlock(text),), timestamp=day * DAY)


CHECKS = (
    all_sessions_of_a_namespace_are_found,
    namespaces_are_never_mixed,
    what_sessions_share_is_found_once,
    what_is_pruned_is_not_found,
    time_bounds_the_sessions,
    a_moment_of_a_namespace_is_kept,
    a_limit_keeps_the_rarest_of_all,
    hostile_text_crosses_nothing,
)
VECTOR_CHECKS = (vectors_cross_sessions_alone, vectors_are_bound_by_time_and_moment)
