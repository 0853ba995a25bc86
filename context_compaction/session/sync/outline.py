"""`Outline`: a log as far as comparing goes. Ids, content digests and order; no text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from context_compaction.archive import Archive, OutlineRow
from context_compaction.session.sync.items import SYSTEM
from context_compaction.view import Range


class Outline:
    """One branch's log: its system head as it is now, and its body, the numbers behind it in order."""

    def __init__(self, archive: Archive, branch: int) -> None:
        self._archive = archive
        self.branch = branch
        self.rows: list[OutlineRow] = []
        """Message ``seq`` at index ``seq - 1``."""
        self.body: list[int] = []
        self.floating: set[int] = set()
        """Quoted results that a view may show later than they came, or not yet: they wait for open calls."""
        self._in_batch = False
        self._by_id: dict[str, int] = {}
        self._by_digest: dict[bytes, list[int]] = {}

    def reach(self, last_seq: int) -> None:
        """Read on, up to the end of the log as it is known to be."""
        if len(self.rows) < last_seq:
            self._add(self._archive.outline(self.branch, len(self.rows)))

    @property
    def end(self) -> int:
        """The last number."""
        return len(self.rows)

    def __getitem__(self, seq: int) -> OutlineRow:
        return self.rows[seq - 1]

    def with_id(self, message_id: str | None, at: int | None = None) -> int | None:
        """The number of the message with this id, of those up to ``at``."""
        seq = None if message_id is None else self._by_id.get(message_id)
        return seq if seq is not None and (at is None or seq <= at) else None

    def with_digest(self, digest: bytes) -> Sequence[int]:
        """The numbers of all messages that say this, ascending."""
        return self._by_digest.get(digest, ())

    def first_head(self, at: int) -> int:
        """How many system messages the log up to ``at`` begins with."""
        return min(at, self.body[0] - 1 if self.body else len(self.rows))

    def head(self, at: int) -> list[int]:
        """The system head as it stands when the log ends at ``at``: replaced ones by what replaced them."""
        standing = [seq for seq in range(1, self.first_head(at) + 1) if self[seq].supersedes is None]
        for row in self.rows[:at]:
            if row.supersedes in standing:
                standing[standing.index(row.supersedes)] = row.seq
            elif row.supersedes is not None:
                standing.append(row.seq)
        return standing

    def shown(self, kept: Collection[int], end: int) -> list[int]:
        """The body as a view shows it that has these messages up to ``end``, and all behind."""
        return [seq for seq in self.body if seq > end or seq in kept]

    def _add(self, rows: Sequence[OutlineRow]) -> None:
        for row in rows:
            self.rows.append(row)
            if row.supersedes is None and (self.body or row.role not in SYSTEM):
                self.body.append(row.seq)
                self._in_batch = row.kind == "call" or (self._in_batch and row.role == "tool")
                if self._in_batch and row.kind in ("late", "orphan"):
                    self.floating.add(row.seq)
            if row.message_id is not None:
                self._by_id[row.message_id] = row.seq
            self._by_digest.setdefault(row.digest, []).append(row.seq)


@dataclass(frozen=True, slots=True)
class Order:
    """Messages one behind the other, and those that had left before."""

    seqs: Sequence[int]
    hidden: tuple[Range, ...] = ()
    """What a context message stands for."""

    def hidden_before(self, end: int) -> int:
        """The last hidden message before number ``end``; 0 for none."""
        return max((min(last, end - 1) for first, last in self.hidden if first < end), default=0)


def positions(order: Sequence[int]) -> Mapping[int, int]:
    """Where each number stands in an order."""
    return {seq: place for place, seq in enumerate(order)}
