"""What each ingredient of the ranking is worth: recall without it, everything else as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from benchmarks import Skipped, Table
from benchmarks._minilm import MiniLM
from benchmarks._questions import RANKS, asked, embedded, ours, turns
from context_compaction.archive import open_archive
from context_compaction.recall import Embedding, Weights

ALL = Weights()
NONE = Weights(
    neighbours=0.0,
    sitting=0.0,
    framing=1.0,
    periods=0.0,
    speaker=0.0,
    asking=1.0,
    passages=False,
    phrase=0.0,
    roles={},
)
"""BM25 over analysed terms, and nothing else."""
WITHOUT: tuple[tuple[str, Weights], ...] = (
    ("neighbours", replace(ALL, neighbours=0.0)),
    ("more for what follows", replace(ALL, before=1.0)),
    ("sittings", replace(ALL, sitting=0.0)),
    ("times asked for", replace(ALL, periods=0.0)),
    ("speakers", replace(ALL, speaker=0.0)),
    ("asking", replace(ALL, asking=1.0)),
    ("less for how many, how long", replace(ALL, framing=1.0)),
    ("passages of what is long", replace(ALL, passages=False)),
    ("quoted phrases", replace(ALL, phrase=0.0)),
    ("roles", replace(ALL, roles={})),
)
AT = (1, 5, 10)
NOTES = (
    "recall@1, @5 and @10 of messages, by words; without, with: what is lost or gained",
    "the weights were chosen on the first set alone",
)


EMBEDDED: tuple[tuple[str, Weights], ...] = (
    ("with MiniLM", ALL),
    ("with MiniLM, without neighbours' nearness", replace(ALL, similar_before=0.0, similar_after=0.0)),
    ("with MiniLM, any nearness counts", replace(ALL, similar_from=0.0)),
    ("with MiniLM, half its weight", replace(ALL, similarity=ALL.similarity / 2)),
    ("with MiniLM, twice its weight", replace(ALL, similarity=ALL.similarity * 2)),
)


def run(data: Path | None) -> Table:
    """The table; `Skipped` without the conversations."""
    with open_archive(":memory:") as archive:
        sets = asked(archive, data)

        def measured(weights: Weights, embedding: Embedding | None = None) -> list[list[float]]:
            search = ours(archive, weights, embedding)
            found = [turns(search, questions) for questions in sets.values()]
            return [[values[RANKS.index(k)] for k in AT] for values in found]

        whole = measured(ALL)
        rows: list[Sequence[object]] = [
            ("all", *map(_cell, whole)),
            ("none of these", *map(_cell, measured(NONE))),
        ]
        for name, weights in WITHOUT:
            cells = zip(whole, measured(weights), strict=True)
            rows.append((f"without {name}", *(_difference(before, after) for before, after in cells)))
        notes = [*NOTES]
        try:
            embedding = embedded(archive, chain.from_iterable(sets.values()), MiniLM())
        except Skipped as reason:
            notes.append(f"with an embedder: skipped, {reason}")
        else:
            for name, weights in EMBEDDED:
                cells = zip(whole, measured(weights, embedding), strict=True)
                rows.append((name, *(_difference(before, after) for before, after in cells)))
    return Table("What each ingredient of recall is worth", ("ranking", *sets), rows, notes)


def _cell(values: Sequence[float]) -> str:
    return " ".join(f"{value:.3f}".lstrip("0") for value in values)


def _difference(before: Sequence[float], after: Sequence[float]) -> str:
    gains = (new - old for old, new in zip(before, after, strict=True))
    return " ".join(f"{gain:+.3f}".replace("0.", ".") for gain in gains)
