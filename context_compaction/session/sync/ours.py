"""What we rendered ourselves, when it comes back in a list: context messages, stand-ins, edited messages."""

from __future__ import annotations

import re
from functools import cached_property

from context_compaction.archive import Archive
from context_compaction.messages import Message
from context_compaction.messages.storage import content_digest
from context_compaction.render import RenderOptions
from context_compaction.render.context_message import beginning_text, context_text, is_context_message
from context_compaction.render.quoting import quoted_result, synthetic_result
from context_compaction.session.livelog import LiveLog
from context_compaction.session.sync.items import Item
from context_compaction.view import Edited, LogWindow, View

VERSIONS = 16
"""How many versions of the view are looked through, newest first."""
_CONTEXT = "<conversation_summary"
_QUOTED = re.compile(r'<quoted_tool_result ref="m:(\d{1,18})"')
_SYNTHETIC = synthetic_result("").text


class Ours:
    """Recognises rendered messages of one branch, by its recent views. Reads the archive when it has to."""

    def __init__(self, archive: Archive, live: LiveLog, options: RenderOptions) -> None:
        self._archive = archive
        self._live = live
        self._options = options
        self._place = (live, live.version)

    def is_of(self, live: LiveLog) -> bool:
        """Whether what it knows is still all there is to know."""
        return self._place == (live, live.version)

    def is_made_up(self, item: Item) -> bool:
        """Whether it is none of the conversation's: a context message, or a stand-in for a missing result."""
        if item.known is not None:
            return False
        if item.role == "tool":
            return item.message.text == _SYNTHETIC
        return item.role == "user" and item.message.text.startswith(_CONTEXT) and self._is_context(item)

    def view_of(self, item: Item) -> View | None:
        """The view whose context message it is, if it is one of the recent views'."""
        return self._contexts.get(item.message.text)

    def stands_for(self, item: Item, seq: int) -> bool:
        """Whether it is what a view showed in place of message ``seq``."""
        if item.role == "user" and (quoted := _QUOTED.match(item.message.text)):
            return int(quoted[1]) == seq and item.digest == content_digest(self._quoted(seq))
        return item.digest in self._edits.get(seq, ())

    def candidate(self, item: Item) -> int | None:
        """The message that it seems to stand for."""
        if item.role == "user" and (quoted := _QUOTED.match(item.message.text)):
            return int(quoted[1]) if 1 <= int(quoted[1]) <= self._live.last_seq else None
        return next((seq for seq, digests in self._edits.items() if item.digest in digests), None)

    def views(self) -> list[View]:
        """The recent views, newest first."""
        return list(self._views)

    def _is_context(self, item: Item) -> bool:
        # Without the id that its text gives, only a text that we know word for word is taken for ours.
        text = item.message.text
        return is_context_message(item.message) or text == beginning_text() or text in self._contexts

    @cached_property
    def _views(self) -> list[View]:
        newest = self._live.version
        versions = range(newest, max(0, newest - VERSIONS), -1)
        return [self._archive.view(self._live.branch, version) for version in versions]

    @cached_property
    def _contexts(self) -> dict[str, View]:
        wanted = {number for view in self._views for number in view.summaries}
        summaries = self._archive.summaries(self._live.branch, wanted) if wanted else {}
        window = LogWindow({}, self._live.last_seq)
        found: dict[str, View] = {}
        for view in self._views:
            text = context_text(view, window, summaries, self._options)
            if text is not None:
                found.setdefault(text, view)
        return found

    @cached_property
    def _edits(self) -> dict[int, set[bytes]]:
        edits = [entry for view in self._views for entry in view.head if isinstance(entry, Edited)]
        ranges = [(seq, seq) for seq in sorted({edit.seq for edit in edits})]
        originals = {row.seq: row.message for row in self._archive.messages(self._live.branch, ranges)}
        found: dict[int, set[bytes]] = {}
        for edit in edits:
            shown = originals[edit.seq].with_blocks(edit.blocks)
            # A list in the chat format comes back without what that format cannot say.
            found.setdefault(edit.seq, set()).update(
                (content_digest(shown), content_digest(Message.from_openai(shown.to_openai())))
            )
        return found

    def _quoted(self, seq: int) -> Message:
        return quoted_result(self._archive.messages(self._live.branch, [(seq, seq)])[0].message, seq)
