"""`Outline`: a log as far as comparing goes. Ids, content digests and order; no text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from context_compaction.archive import Archive, OutlineRow
from context_compaction.session.sync.items import SYSTEM


class Outline:
    """One branch's log: its system head as it is now, and its body, the numbers behind it in order."""

    def __init__(self, archive: Archive, branch: int) -> None:
        self._archive = archive
        self.branch = branch
        self.rows: list[OutlineRow] = []
        """Message ``seq`` at index ``seq - 1``."""
        self.body: list[int] = []
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

    def shown(self, kept: Iterable[int], head_end: int) -> list[int]:
        """The body as a view shows it that has these messages up to ``head_end``, and all behind."""
        inside = set(kept)
        return self.rendered([seq for seq in self.body if seq > head_end or seq in inside])

    def rendered(self, order: Sequence[int]) -> list[int]:
        """As the renderer orders them: results that it quotes wait until those of an open batch are in."""
        out: list[int] = []
        quoted: list[int] = []
        for seq in order:
            kind = self[seq].kind
            if kind in ("late", "orphan"):
                quoted.append(seq)
                continue
            if kind != "live":
                out += quoted
                quoted = []
            out.append(seq)
        return out + quoted

    def _add(self, rows: Sequence[OutlineRow]) -> None:
        for row in rows:
            self.rows.append(row)
            if row.supersedes is None and (self.body or row.role not in SYSTEM):
                self.body.append(row.seq)
            if row.message_id is not None:
                self._by_id[row.message_id] = row.seq
            self._by_digest.setdefault(row.digest, []).append(row.seq)


def positions(order: Sequence[int]) -> Mapping[int, int]:
    """Where each number stands in an order."""
    return {seq: place for place, seq in enumerate(order)}
