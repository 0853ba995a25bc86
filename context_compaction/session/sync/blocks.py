"""Recalled blocks, when they come back in a list: known by what they quote."""

from __future__ import annotations

from context_compaction.archive import Archive
from context_compaction.messages import Message, quotable
from context_compaction.render import Quote, recalled_quotes, recalled_text, spans_of
from context_compaction.session.sync.items import Item
from context_compaction.view import ranges_of


class Blocks:
    """Recognises the recalled blocks of one session."""

    def __init__(self, archive: Archive, branch: int) -> None:
        self._archive = archive
        self._branch = branch
        self._known: dict[str, bool] = {}

    def is_recalled(self, item: Item) -> bool:
        """Whether it is word for word a block that the session can have shown, on whatever branch.

        What it quotes says so: the messages that it names, as the log has them.
        """
        if not is_block(item):
            return False
        text = item.message.text
        if text not in self._known:
            branches = [self._branch, *(branch.id for branch in self._archive.branches(self._branch))]
            self._known[text] = any(self._quotes(branch, text) for branch in dict.fromkeys(branches))
        return self._known[text]

    def _quotes(self, branch: int, text: str) -> bool:
        quotations = dict(recalled_quotes(text))
        said: list[tuple[Quote, Message]] = []
        for row in self._archive.messages(branch, ranges_of(sorted(quotations))):
            spans = None if row.pruned else spans_of(quotations[row.seq], quotable(row.message))
            if spans is None:
                return False
            said.append((Quote(row.seq, spans), row.message))
        return recalled_text(said) == text


def is_block(item: Item) -> bool:
    """Whether it has the form of a recalled block."""
    return item.role == "user" and bool(recalled_quotes(item.message.text))
