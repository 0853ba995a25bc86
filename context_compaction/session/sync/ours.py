"""What we rendered ourselves, when it comes back in a list: context messages, stand-ins, edited messages."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property

from context_compaction.archive import Archive
from context_compaction.messages import Message
from context_compaction.messages.storage import content_digest
from context_compaction.render import RenderOptions
from context_compaction.render.context_message import beginning_text, context_text, is_context_message
from context_compaction.render.quoting import synthetic_result
from context_compaction.render.recording import shown_as
from context_compaction.session.sync.items import MADE_UP, Item
from context_compaction.view import Edited, LogWindow, View

VERSIONS = 16
"""How many versions of the view are looked through, newest first."""
_CONTEXT = "<conversation_summary"
_QUOTED = re.compile(r'<quoted_tool_result ref="m:(\d{1,18})"')
_SYNTHETIC = synthetic_result("").text


class Ours:
    """Recognises rendered messages of one branch, by its recent views. Reads the archive when it has to."""

    def __init__(self, archive: Archive, branch: int, version: int, options: RenderOptions) -> None:
        self._archive = archive
        self._options = options
        self.branch = branch
        self.version = version
        self._forms: dict[int, set[bytes]] = {}
        self._gone: set[int] = set()
        """Quoted results that were pruned."""

    def is_made_up(self, item: Item) -> bool:
        """Whether it is none of the conversation's: a context message, or a stand-in for a missing result."""
        if item.known is not None:
            return item.known == MADE_UP
        if item.role == "tool":
            return item.message.text == _SYNTHETIC
        return item.role == "user" and item.message.text.startswith(_CONTEXT) and self._is_context(item)

    def view_of(self, item: Item) -> View | None:
        """The view whose context message it is, if it is one of the recent views'."""
        return self.contexts.get(item.message.text)

    def stands_for(self, item: Item, seq: int) -> bool:
        """Whether it is what a view showed for message ``seq``, or what the chat format makes of it."""
        if item.digest in self._edits.get(seq, ()) or item.digest in self._forms_of(seq):
            return True
        # Of a pruned one nothing but its number is left to compare.
        return seq in self._gone and self._quoted_in(item) == seq

    def candidate(self, item: Item) -> int | None:
        """The message that it seems to stand for."""
        quoted = self._quoted_in(item)
        if quoted is not None:
            return quoted
        return next((seq for seq, digests in self._edits.items() if item.digest in digests), None)

    @cached_property
    def views(self) -> list[View]:
        """The recent views, newest first."""
        versions = range(self.version, max(0, self.version - VERSIONS), -1)
        return [self._archive.view(self.branch, version) for version in versions]

    def _is_context(self, item: Item) -> bool:
        # Without the id that its text gives, only a text that we know word for word is taken for ours.
        text = item.message.text
        if is_context_message(item.message) or text == beginning_text():
            return True
        return any(text in ours.contexts for ours in (self, *self._others))

    @cached_property
    def _others(self) -> list[Ours]:
        """The session's other branches: a list may still hold what was rendered before a fork."""
        found = self._archive.branches(self.branch)
        return [
            Ours(self._archive, branch.id, branch.version, self._options)
            for branch in found
            if branch.id != self.branch
        ]

    @cached_property
    def contexts(self) -> dict[str, View]:
        """The recent views by the text of their context messages."""
        wanted = {number for view in self.views for number in view.summaries}
        summaries = self._archive.summaries(self.branch, wanted) if wanted else {}
        found: dict[str, View] = {}
        for view in self.views:
            if not summaries.keys() >= set(view.summaries):
                continue  # some were forgotten with the session that they are from
            for hint in (True, False):  # another process may tell the model of a recall tool, or not
                options = replace(self._options, recall_hint=hint)
                text = context_text(view, LogWindow({}, view.head_end), summaries, options)
                if text is not None:
                    found.setdefault(text, view)
        return found

    @cached_property
    def _edits(self) -> dict[int, set[bytes]]:
        edits = [entry for view in self.views for entry in view.head if isinstance(entry, Edited)]
        ranges = [(seq, seq) for seq in sorted({edit.seq for edit in edits})]
        rows = self._archive.messages(self.branch, ranges) if ranges else []
        shown = {
            row.seq: shown_as(row.seq, row.message, row.kind, references=True)
            for row in rows
            if not row.pruned
        }
        found: dict[int, set[bytes]] = {}
        for edit in edits:
            if edit.seq in shown:
                found.setdefault(edit.seq, set()).update(_digests(shown[edit.seq].with_blocks(edit.blocks)))
        return found

    def _forms_of(self, seq: int) -> set[bytes]:
        """The digests of what is shown for a message; none if it was pruned."""
        if seq not in self._forms:
            [row] = self._archive.messages(self.branch, [(seq, seq)])
            if row.pruned:
                self._forms[seq] = set()
                if row.kind in ("late", "orphan"):
                    self._gone.add(seq)
            else:
                shown = shown_as(seq, row.message, row.kind, references=True)
                self._forms[seq] = _digests(row.message) | _digests(shown)
        return self._forms[seq]

    def _quoted_in(self, item: Item) -> int | None:
        """The number in a quoted result."""
        found = _QUOTED.match(item.message.text) if item.role == "user" else None
        return int(found[1]) if found else None


def _digests(message: Message) -> set[bytes]:
    """As it is, and as the chat format has it: a list of dicts comes back without what that cannot say."""
    return {content_digest(message), content_digest(Message.from_openai(message.to_openai()))}
