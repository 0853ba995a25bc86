"""A search that crosses the sessions of a namespace: its candidates, and the branches that show them.

The index names the namespace of each document, so another one's are never looked at. What a document's own
session has left behind, and no other shows, is left out when it is taken, not when it is counted: to count
it apart would take a look at each such branch for each term.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from context_compaction.archive.over_sessions import Moment, Place, Seat, Within
from context_compaction.archive.records import SearchPool
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.finding import Row, as_written, document, searchable
from context_compaction.archive.sql.names import escaped, unescaped
from context_compaction.archive.sql.payloads import decoded
from context_compaction.archive.tombstones import tombstone
from context_compaction.messages import Message
from context_compaction.text.periods import Period

REACH = 2
"""How far apart messages may stand that are beside one another."""
PAIRED = 5
"""Of the rarest terms each pair is looked for."""
FEW = 10
"""A term is taken whole, before all others, where it takes no more than this part of the room."""
SAMPLE = 64
"""So many sessions' sittings are counted, the oldest ones'; the others are taken to have as many."""
FIND_NAMESPACE = "SELECT id FROM namespaces WHERE name = ?"
LAST_DOCUMENT = "SELECT coalesce(max(id), 0) FROM documents"
# A branch's documents are its ancestors', too; of one that has an ancestor its own messages are counted.
READ_SIZES = """
SELECT coalesce(sum(CASE WHEN parent IS NULL THEN documents ELSE last_seq - fork_at END), 0),
    coalesce(sum(documents), 0), coalesce(sum(terms), 0)
FROM sessions JOIN branches ON branches.session = sessions.id WHERE namespace = ?
"""
COUNT_SESSIONS = "SELECT count(*) FROM sessions WHERE namespace = ?"
READ_SAMPLE = """
SELECT count(*), coalesce(sum(1 + coalesce((
    SELECT sitting FROM documents WHERE branch = oldest.active AND summary = 0 ORDER BY seq DESC LIMIT 1
), 0)), 0) FROM (SELECT active FROM sessions WHERE namespace = ? ORDER BY id LIMIT ?) AS oldest
"""
_READERS = """
spans JOIN branches AS readers ON readers.id = spans.branch
JOIN sessions ON sessions.id = readers.session AND sessions.active = readers.id
"""
_SHOWN = """
spans.ancestor = documents.branch AND documents.seq <= spans.last_seq
    AND documents.summary <= spans.last_summary
"""
_BOUNDED = "documents.id <= ? AND (? = 0 OR documents.at >= ? AND documents.at < ?)"
_APART = 2**32
"""Two numbers are asked for as one."""
TAKEN = f"""
{_BOUNDED} AND EXISTS (SELECT 1 FROM {_READERS} WHERE {_SHOWN} AND sessions.namespace = ?)
"""  # noqa: S608 - the above
READ_READERS = f"""
SELECT documents.id, readers.id, spans.last_seq FROM {_READERS} JOIN documents ON {_SHOWN}
WHERE documents.id IN (SELECT value FROM json_each(?)) ORDER BY documents.id, readers.id
"""  # noqa: S608 - the above
_PLACES = f"""
json_each(?) AS wanted JOIN spans AS seen ON seen.branch = wanted.value / {_APART}
JOIN documents ON documents.branch = seen.ancestor AND documents.summary = 0
    AND documents.seq = wanted.value % {_APART} AND documents.seq <= seen.last_seq
"""
READ_SEATS = f"""
SELECT wanted.value, documents.sitting, documents.branch = seen.branch OR NOT EXISTS (
    SELECT 1 FROM {_READERS} WHERE {_SHOWN} AND readers.id < seen.branch
) FROM {_PLACES} WHERE {_BOUNDED}
"""  # noqa: S608 - the above
READ_VECTORS_OF = f"""
SELECT wanted.value, scale, data FROM {_PLACES}
JOIN vectors ON vectors.document = documents.id AND vectors.model = ? WHERE data IS NOT NULL AND {_BOUNDED}
"""  # noqa: S608 - the above
READ_SHOWN_VECTORS = f"""
SELECT vectors.id, min(readers.id), documents.seq, documents.summary
FROM {_READERS} JOIN documents ON {_SHOWN} JOIN vectors ON vectors.document = documents.id
WHERE vectors.id IN (SELECT value FROM json_each(?)) AND {_BOUNDED}
GROUP BY vectors.id, documents.seq, documents.summary
"""  # noqa: S608 - the above
READ_MESSAGES = f"""
SELECT wanted.value, messages.payload, messages.tokens, messages.pruned_at
FROM json_each(?) AS wanted JOIN spans AS seen ON seen.branch = wanted.value / {_APART}
JOIN messages ON messages.branch = seen.ancestor AND messages.seq = wanted.value % {_APART}
    AND messages.seq <= seen.last_seq
"""  # noqa: S608 - the above
READ_SESSION_IDS = """
SELECT branches.id, sessions.session_id FROM branches JOIN sessions ON sessions.id = branches.session
WHERE branches.id IN (SELECT value FROM json_each(?))
"""
_EVER = 2**62


@dataclass(frozen=True, slots=True)
class Crossing(ABC):
    """The sessions of a namespace and the bounds of a search in them, and what the index says of them."""

    connection: Database
    namespace: int
    moment: Moment
    within: Within

    @property
    def bounds(self) -> tuple[float, ...]:
        """For `TAKEN`."""
        return (*limits(self.within), self.namespace)

    @abstractmethod
    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many documents of the namespace each of these terms occurs."""

    @abstractmethod
    def matching(self, terms: Sequence[str], limit: int) -> list[Row]:
        """The newest ``limit`` documents that hold all of these, are within the bounds, and are shown."""


def find(crossing: Crossing, terms: Iterable[str], periods: Sequence[Period], limit: int) -> SearchPool:
    """The documents that hold any of ``terms``; with most of the rarest, if there are more than ``limit``.

    Periods find nothing by themselves: no index has the times of all sessions.
    """
    frequencies = crossing.frequencies(searchable(terms))
    rows = _best(crossing, frequencies, limit)
    intervals, wanted = _intervals(rows, periods), as_written(frequencies)
    documents = [
        found._replace(also=tuple(others)) if others else found
        for row, (oldest, *others) in _with_readers(crossing.connection, rows)
        for found in [document(oldest, wanted, intervals, row)]
    ]
    said = [sum(place in found.periods for found in documents) for place in range(len(periods))]
    moment = crossing.moment
    return SearchPool(
        documents=documents,
        total=moment.documents,
        mean_length=moment.terms / moment.documents if moment.documents else 0.0,
        frequencies=frequencies,
        period_frequencies=[count * moment.documents // max(len(documents), 1) for count in said],
        sittings=moment.sittings,
    )


def namespace_key(connection: Database, namespace: str) -> int | None:
    """The archive's number of a namespace; None where there is none."""
    found = connection.execute(FIND_NAMESPACE, (escaped(namespace),)).fetchone()
    return found[0] if found else None


def moment_of(connection: Database, namespace: int | None) -> Moment:
    """What the namespace has now: one look at each of its sessions."""
    if namespace is None:
        return Moment()
    sizes, newest = connection.execute(READ_SIZES, (namespace,)), connection.execute(LAST_DOCUMENT)
    (own, seen, terms), (last,) = sizes.fetchone(), newest.fetchone()
    return Moment(last, own, terms * own // max(seen, 1), _sittings(connection, namespace))


def seats(connection: Database, places: Collection[Place], within: Within) -> dict[Place, Seat]:
    """Where these messages stand."""
    found = connection.execute(READ_SEATS, (_listed(places), *limits(within)))
    return {divmod(place, _APART): Seat(sitting, bool(own)) for place, sitting, own in found}


def messages_at(connection: Database, places: Collection[Place]) -> dict[Place, Message]:
    """What these messages say, one that was pruned what stands in its place."""
    found: dict[Place, Message] = {}
    for number, payload, tokens, pruned_at in connection.execute(
        READ_MESSAGES, (_listed(places),)
    ).fetchall():
        branch, seq = divmod(number, _APART)
        pruned = payload is None
        said = tombstone(seq, seq, tokens, pruned_at) if pruned else decoded(connection, seq, payload)
        found[branch, seq] = said
    return found


def vectors_of(
    connection: Database, places: Collection[Place], model: int, within: Within
) -> list[tuple[Place, float, bytes]]:
    """The vectors of these messages, each with its scale."""
    found = connection.execute(READ_VECTORS_OF, (_listed(places), model, *limits(within)))
    return [(divmod(place, _APART), scale, data) for place, scale, data in found]


def shown_vectors(
    connection: Database, keys: Sequence[int], within: Within
) -> dict[int, tuple[int, int, int]]:
    """Those of these vectors that are there and within the bounds: branch, number, and a summary's."""
    found = connection.execute(READ_SHOWN_VECTORS, (json.dumps(keys), *limits(within)))
    return {key: (branch, seq, summary) for key, branch, seq, summary in found}


def session_ids(connection: Database, branches: Collection[int]) -> dict[int, str]:
    """By branch, whose it is."""
    found = connection.execute(READ_SESSION_IDS, (json.dumps(list(branches)),))
    return {branch: unescaped(name) for branch, name in found}


def _sittings(connection: Database, namespace: int) -> int:
    count, sample = (
        connection.execute(COUNT_SESSIONS, (namespace,)),
        connection.execute(READ_SAMPLE, (namespace, SAMPLE)),
    )
    (sessions,), (sampled, sittings) = count.fetchone(), sample.fetchone()
    return sittings * sessions // max(sampled, 1)


def _listed(places: Collection[Place]) -> str:
    return json.dumps([branch * _APART + seq for branch, seq in places])


def limits(within: Within) -> tuple[float, ...]:
    """The bounds as statements take them."""
    return (
        _EVER if within.moment is None else within.moment.document,
        int(within.timed),
        -math.inf if within.since is None else within.since,
        math.inf if within.until is None else within.until,
    )


def _best(crossing: Crossing, frequencies: Mapping[str, int], limit: int) -> list[Row]:
    """Documents with two of the rarest terms, or with one that is as rare as two, before others.

    Among very many documents the newest with the rarest term are seldom those that are meant.
    """
    held = sorted((term for term in frequencies if frequencies[term]), key=lambda term: frequencies[term])
    few = {term for term in held if frequencies[term] * FEW <= limit}
    asked = [(term,) for term in held] + list(
        combinations([term for term in held if term not in few][:PAIRED], 2)
    )
    worth = {term: math.log1p(crossing.moment.documents / frequencies[term]) for term in held}
    rows: dict[int, Row] = {}
    for terms in sorted(asked, key=lambda each: (each[0] not in few, -sum(worth[term] for term in each))):
        room = limit - len(rows)
        if room > 0:
            rows.update((row[0], row) for row in crossing.matching(terms, room))
    return list(rows.values())


def _with_readers(connection: Database, rows: Sequence[Row]) -> Iterator[tuple[Row, list[int]]]:
    """Each row with the oldest branch that shows it, and others that went their own way right behind it."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for key, reader, last in connection.execute(READ_READERS, (json.dumps([row[0] for row in rows]),)):
        found[key].append((reader, last))
    for row in rows:
        (oldest, _), *others = found[row[0]]
        is_message = not row[2]
        yield row, [oldest, *(reader for reader, last in others if is_message and last - row[1] < REACH)]


def _intervals(rows: Sequence[Row], periods: Sequence[Period]) -> list[list[tuple[float, float]]]:
    """Of a period without a year those of the years that the documents are of."""
    times = [row[5] for row in rows if row[5] is not None]
    return [period.intervals(min(times), max(times)) if times else [] for period in periods]
