"""The nearest vectors of an archive on PostgreSQL: our matrices in memory beside pgvector, exact and HNSW."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import accumulate, cycle
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks import Skipped, Table
from benchmarks._minilm import MiniLM
from benchmarks._said import texts_said
from benchmarks._stopwatch import milliseconds, race, timed
from context_compaction import Archive, open_archive
from context_compaction.archive import VectorModel
from context_compaction.archive.sql import matrices
from context_compaction.archive.sql.matrices import Asked
from context_compaction.testing.archive_rows import Writer

if TYPE_CHECKING:
    import numpy as np
    import psycopg
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

COUNT, SHORT, BATCH, SEARCHES = 100_000, 1000, 1000, 20
"""Vectors; in each of the short sessions (a fifth of all is in a long one); a transaction; questions."""
SEEDS, QUESTIONS = 2000, 100
"""Texts that are embedded, from which all vectors are mixed; and questions."""
LIMIT = 300
"""What a recall asks for."""
MODEL = VectorModel("mixed", 384)
GROWN, RECALLED = 2000, 10
"""Vectors that come when there is a graph already; questions whose answers are compared."""
READ_NEWER = "SELECT id, 0, 0, scale, data FROM vectors WHERE id > %s ORDER BY id"
TABLE = "pgvector_halves"
MAKE = f"CREATE TABLE {TABLE} (branch bigint, id bigint, v halfvec(384))"
CUT = f"DELETE FROM {TABLE} WHERE id >= %s"  # noqa: S608 - ours
INDEX = f"CREATE INDEX ON {TABLE} USING hnsw (v halfvec_ip_ops)"
ONE_LOG = f"SELECT id FROM {TABLE} WHERE branch = %s ORDER BY v <#> %s::halfvec LIMIT %s"  # noqa: S608 - ours
ALL_LOGS = f"SELECT id FROM {TABLE} ORDER BY v <#> %s::halfvec LIMIT %s"  # noqa: S608 - ours


@dataclass(frozen=True)
class Made:
    """The vectors, which of them are whose, and the questions."""

    vectors: Vectors
    branches: NDArray[np.int64]
    questions: Vectors

    def best(self, question: Vectors, branch: int | None, limit: int) -> set[int]:
        """The rows that are nearest, by what was embedded."""
        import numpy as np

        rows = np.arange(len(self.vectors)) if branch is None else np.flatnonzero(self.branches == branch)
        similar = self.vectors[rows] @ question
        return set(rows[np.argsort(-similar)[:limit]].tolist())


Search = Callable[[int | None, Sequence[float]], list[int]]
"""From a branch, or None for all, and a question to the numbers of rows, nearest first."""


def run(data: Path | None, archive: str | None = None, messages: str | None = None) -> Table:
    """``archive`` is the address of an empty schema, ``messages`` how many vectors."""
    if archive is None:
        raise Skipped("no server; name the address of an empty schema with --archive postgresql://...")
    if find_spec("numpy") is None:
        raise Skipped("numpy is not installed")
    count = COUNT if messages is None else int(messages)
    with open_archive(archive) as opened, _connected(opened) as connection:
        if opened.sessions():
            raise Skipped("the archive has sessions already; name an empty one")
        sizes = [count // 5] + [SHORT] * (count * 4 // 5 // SHORT)
        writers = [Writer.of(opened, f"s{number}") for number in range(len(sizes))]
        made = _made(data, [writer.branch for writer in writers], sizes)
        columns = [_ours(opened, writers, sizes, made, connection), *_pgvector(connection, made)]
    names = (
        *(f"a session of {SHORT:,}: ms", f"a session of {sizes[0]:,}: ms", f"all {count:,}: ms"),
        *("recall@10, short session", "long", "all"),
        *(f"recall@{LIMIT}, short session", "long", "all"),
        *("storing: vectors / s", "bytes a vector", "memory a worker: MB", "first search of all: ms"),
    )
    notes = [
        f"MiniLM's vectors of {SEEDS:,} messages, mixed by twos; {SEARCHES} questions, the nearest {LIMIT}",
        "recall: of what an exact search over 32-bit floats finds; medians",
    ]
    ways = ("", "in memory", "SQL, exact", "HNSW", "HNSW, iterative scan")
    return Table("Nearest vectors", ways, [list(row) for row in zip(names, *columns, strict=True)], notes)


@contextmanager
def _connected(opened: Any) -> Iterator[psycopg.Connection]:
    connection = opened._connections._get()  # noqa: SLF001
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
        connection.execute("SELECT set_config('search_path', current_schema || ', public', false)")
        connection.execute("SET maintenance_work_mem = '1GB'")
        yield connection
    finally:
        opened._connections.give_back(connection)  # noqa: SLF001


def _made(data: Path | None, branches: Sequence[int], sizes: Sequence[int]) -> Made:
    """Mixed so that near ones are near as those of real texts are, and no two are equal."""
    import numpy as np

    chance = np.random.default_rng(0)
    texts, asked = texts_said(data)
    texts = texts[:SEEDS]
    model = MiniLM()
    seeds = np.array(model.embed([text[:400] for text in texts]), np.float32)
    questions = np.array(model.embed(asked[:QUESTIONS]), np.float32)
    total = sum(sizes)
    first, second = chance.integers(len(seeds), size=(2, total))
    share = chance.uniform(0.5, 1.0, size=(total, 1)).astype(np.float32)
    vectors = share * seeds[first] + (1 - share) * seeds[second]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Made(vectors, np.repeat(branches, sizes), questions[:SEARCHES])


def _ours(
    opened: Any, writers: Sequence[Writer], sizes: Sequence[int], made: Made, connection: psycopg.Connection
) -> list[str]:
    starts = dict(zip((writer.branch for writer in writers), accumulate(sizes, initial=0), strict=False))
    seconds = sum(_store(opened, writer, made, starts[writer.branch]) for writer in writers)
    whole = _Whole(connection)

    def search(branch: int | None, question: Sequence[float]) -> list[int]:
        if branch is None:
            return whole.nearest(question)
        near = opened.nearest(branch, MODEL, question, LIMIT)
        return [starts[branch] + one.seq - 1 for one in sorted(near, key=lambda one: -one.similarity)]

    began = perf_counter()
    search(None, made.questions[0].tolist())
    first = (perf_counter() - began) * 1000
    size = _size(connection, "vectors")
    memory = len(made.vectors) * (MODEL.dimension + 28) / 1e6
    rest = (f"{len(made.vectors) / seconds:.0f}", _each(size, made), f"{memory:.0f}", milliseconds(first))
    return [*_searched(search, made), *rest]


class _Whole:
    """All logs as one matrix, as a search of all would have to keep them; rows come in their order."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._matrix = matrices.empty(MODEL.dimension)

    def nearest(self, question: Sequence[float]) -> list[int]:
        import numpy as np

        newer = self._connection.execute(READ_NEWER, (self._matrix.last,)).fetchall()
        self._matrix = matrices.grown(self._matrix, newer)
        rows = np.arange(len(self._matrix.ids))
        similar = self._matrix.similarities(Asked(MODEL, question, LIMIT, ()).floats(), rows)
        largest = matrices.largest(similar, LIMIT)
        return largest[np.argsort(-similar[largest])].tolist()


def _store(opened: Archive, writer: Writer, made: Made, start: int) -> float:
    """Seconds that it took."""
    seconds, own = 0.0, made.vectors[made.branches == writer.branch].tolist()
    for first in range(0, len(own), BATCH):
        batch = own[first : first + BATCH]
        writer.say(*(f"text {start + first + number}" for number in range(len(batch))))
        began = perf_counter()
        opened.add_vectors(
            writer.branch, MODEL, {f"m:{number}": one for number, one in enumerate(batch, first + 1)}
        )
        seconds += perf_counter() - began
    return seconds


def _pgvector(connection: psycopg.Connection, made: Made) -> list[list[str]]:
    """Exact with the log's own index; then by the graph alone, or the planner would not take it."""
    connection.execute(MAKE.encode())
    exact = [f"{_copied(connection, made, 0):.0f}", _each(_size(connection, TABLE), made), "0", "-"]
    connection.execute(b"CREATE INDEX pgvector_logs ON pgvector_halves (branch); ANALYZE pgvector_halves")
    columns = [[*_searched(_by_sql(connection), made), *exact]]
    connection.execute(CUT.encode(), (len(made.vectors) - GROWN,))
    connection.execute(INDEX.encode())
    rate = _copied(connection, made, len(made.vectors) - GROWN)
    connection.execute(b"DROP INDEX pgvector_logs; ANALYZE pgvector_halves")
    rest = [f"{rate:.0f}", _each(_size(connection, TABLE), made), "0", "-"]
    for scan in ("off", "relaxed_order"):
        connection.execute(f"SET hnsw.ef_search = {LIMIT}; SET hnsw.iterative_scan = {scan}".encode())
        columns.append([*_searched(_by_sql(connection), made), *rest])
    return columns


def _copied(connection: psycopg.Connection, made: Made, start: int) -> float:
    """Rows a second."""
    began = perf_counter()
    rows = zip(made.branches[start:].tolist(), made.vectors[start:].tolist(), strict=True)
    with connection.cursor().copy(f"COPY {TABLE} FROM STDIN".encode()) as copy:
        for row, (branch, vector) in enumerate(rows, start):
            copy.write_row((branch, row, _written(vector)))
    return (len(made.vectors) - start) / (perf_counter() - began)


def _written(vector: Sequence[float]) -> str:
    return f"[{','.join(f'{value:.6g}' for value in vector)}]"


def _by_sql(connection: psycopg.Connection) -> Search:
    def search(branch: int | None, question: Sequence[float]) -> list[int]:
        vector = _written(question)
        query, values = (ALL_LOGS, (vector, LIMIT)) if branch is None else (ONE_LOG, (branch, vector, LIMIT))
        return [row for (row,) in connection.execute(query.encode(), values)]

    return search


def _searched(search: Search, made: Made) -> list[str]:
    """Times, and what is found."""
    questions = made.questions.tolist()
    places = {"short": int(made.branches[-1]), "long": int(made.branches[0]), "all": None}
    asked = {place: cycle(questions) for place in places}
    steps = [
        timed(place, lambda place=place, branch=branch: search(branch, next(asked[place])))
        for place, branch in places.items()
    ]
    watch = race(steps, SEARCHES, warm_up=2)
    recalls = [
        f"{_recall(search, made, branch, limit):.3f}" for limit in (10, LIMIT) for branch in places.values()
    ]
    return [*(milliseconds(watch[place]) for place in places), *recalls]


def _recall(search: Search, made: Made, branch: int | None, limit: int) -> float:
    return fmean(
        len(set(search(branch, question.tolist())[:limit]) & made.best(question, branch, limit)) / limit
        for question in made.questions[:RECALLED]
    )


def _size(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute("SELECT pg_total_relation_size(%s::regclass)", (table,)).fetchone()
    return row[0] if row else 0


def _each(size: int, made: Made) -> str:
    return f"{size / len(made.vectors):.0f}"
