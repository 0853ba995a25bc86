"""What we rendered ourselves, when it comes back in a list: context messages, stand-ins, edited messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from context_compaction.archive import Archive, Branch
from context_compaction.messages import Message
from context_compaction.messages.storage import content_digest
from context_compaction.render import RenderOptions
from context_compaction.render.context_message import context_text, without_hint
from context_compaction.render.quoting import synthetic_result
from context_compaction.render.recording import shown_as
from context_compaction.session.sync.blocks import Blocks
from context_compaction.session.sync.items import Item
from context_compaction.view import Edited, Kept, LogWindow, Range, SummaryRecord, View, ranges_of

RECENT = 16
"""So many versions of the view are tried for a list whose context message was taken away."""
_OPENS, _CLOSES = "<conversation_summary", "</conversation_summary>"
_QUOTED = re.compile(r'<quoted_tool_result ref="m:(\d{1,18})"')
_NAMED = re.compile(r'(?:- recall |<quoted_tool_result ref=")m:(\d{1,18})\b')
_SYNTHETIC = synthetic_result("").text


@dataclass(frozen=True, slots=True)
class Showing:
    """A view, as far as a branch has what it shows."""

    view: View
    end: int
    """What is behind this message, the branch has of its own."""
    hidden: tuple[Range, ...]
    """The messages that the view's context message stands for."""

    @property
    def kept(self) -> set[int]:
        """The numbers of the messages that it shows up to ``end``."""
        shown = (entry.seq for entry in self.view.head if isinstance(entry, (Kept, Edited)))
        return {seq for seq in shown if seq <= self.end}


class Ours:
    """Recognises rendered messages of one branch, by all that its views ever showed.

    A view is read from the archive when nothing newer explains a message: newest first, each once.
    """

    def __init__(self, archive: Archive, branch: int, version: int, options: RenderOptions) -> None:
        self._archive = archive
        self._options = replace(options, recall_hint=False)
        self.branch = branch
        self._version = version
        self._views: dict[int, View] = {}
        self._summaries: dict[int, SummaryRecord] = {}
        self._contexts: dict[str, View] = {}
        """Views by the text of their context messages."""
        self._edits: dict[bytes, set[int]] = {}
        """By the digest of an edited message the numbers of those that were shown so."""
        self._edited: set[Edited] = set()
        self._rendered: set[int] = set()
        """The versions whose context messages are known."""
        self._searched: set[int] = set()
        """The versions whose edits are known."""
        self._rows: dict[int, Message | None] = {}
        """What a view shows for a message that is not edited; None if it was pruned."""
        self._forms: dict[int, set[bytes]] = {}
        """The digests of it, and of the message itself."""
        self._siblings: dict[int, Ours] = {}
        self.blocks = Blocks(archive, branch)

    def reach(self, version: int) -> None:
        """Take later versions of the view into account."""
        self._version = version

    def sibling(self, branch: Branch) -> Ours:
        """The same for another branch of the session."""
        found = self._siblings.get(branch.id)
        if found is None:
            found = self._siblings[branch.id] = Ours(self._archive, branch.id, branch.version, self._options)
        found.reach(branch.version)
        return found

    # -- context messages ------------------------------------------------------------------------------

    def is_context(self, item: Item) -> bool:
        """Whether it is word for word the context message of a view of this session, on whatever branch."""
        return self.view_of(item) is not None or next(self._shared_views(item), None) is not None

    def showing(self, item: Item) -> Showing | None:
        """What stood in the view that has this context message, as far as this branch has it."""
        view = self.view_of(item)
        if view is not None:
            return Showing(view, view.head_end, self.hidden(view))
        for found in self._shared_views(item):
            if found.hidden and found.hidden[-1][1] <= found.end:
                return found
        return None

    def _shared_views(self, item: Item) -> Iterator[Showing]:
        """The views of other branches that have this context message."""
        if not _looks_like_context(item):
            return
        branches = self._archive.branches(self.branch)
        for branch, other in self._others():
            view = other.view_of(item)
            if view is not None:
                end = min(view.head_end, shared_end(branches, self.branch, branch.id))
                yield Showing(view, end, other.hidden(view))

    def claims_context(self, item: Item) -> bool:
        """Whether it has the id that only a context message's own text gives."""
        return item.role == "user" and item.id is not None and item.message.is_context

    def view_of(self, item: Item) -> View | None:
        """The view of this branch that has this context message."""
        if not _looks_like_context(item):
            return None
        text = without_hint(item.message.text)
        unread = self._unread(self._rendered)
        while text not in self._contexts and (view := next(unread, None)) is not None:
            shown = self._context_of(view)
            if shown is not None:
                self._contexts.setdefault(shown, view)
        return self._contexts.get(text)

    def hidden(self, view: View) -> tuple[Range, ...]:
        """The messages that a view's context message stands for."""
        shown = {entry.seq for entry in view.head if isinstance(entry, (Kept, Edited))}
        known = self._summaries_of(view)
        return ranges_of(sorted(view.accounted(known) - shown)) if known is not None else ()

    def recent(self) -> Iterator[Showing]:
        """What stood in the newest views, newest first."""
        for view in islice(self._unread(set()), RECENT):
            yield Showing(view, view.head_end, self.hidden(view))

    # -- messages shown otherwise than they were said --------------------------------------------------

    def is_synthetic(self, item: Item) -> bool:
        """Whether it is a stand-in for a missing result."""
        return item.role == "tool" and item.message.text == _SYNTHETIC

    def stands_for(self, item: Item, seq: int) -> bool:
        """Whether it is what a view showed for message ``seq``, or what the chat format makes of it."""
        if self._shows(item, seq):
            return True
        if seq not in self._forms or not _named(item):
            return False
        # A branch that was left showed it for a message that says the same, whatever number that has here.
        found = (other.original(item) for _, other in self._others())
        return any(it is not None and content_digest(it[1]) in self._forms[seq] for it in found)

    def candidates(self, item: Item) -> Sequence[int]:
        """The messages that it may stand for, ascending: several may be shown alike."""
        quoted = _QUOTED.match(item.message.text) if item.role == "user" else None
        if quoted is not None:
            return (int(quoted[1]),)
        unread = self._unread(self._searched)
        while item.digest not in self._edits and (view := next(unread, None)) is not None:
            self._learn(view)
        return sorted(self._edits.get(item.digest, ()))

    def original(self, item: Item) -> tuple[int, Message] | None:
        """The message of this branch that it names and stands for, as it was said, with its number."""
        for seq in _named(item):
            rows = self._archive.messages(self.branch, [(seq, seq)])
            if rows and not rows[0].pruned and self._shows(item, seq):
                return seq, rows[0].message
        return None

    def _shows(self, item: Item, seq: int) -> bool:
        self._read((seq,))
        shown = self._rows[seq]
        if shown is None:  # of a pruned one nothing but its number is left to compare
            return seq in _named(item)
        if item.digest in self._forms[seq] or shown.is_system:
            return item.digest in self._forms[seq]  # system messages are never edited
        unread = self._unread(self._searched)
        while seq not in self._edits.get(item.digest, ()):
            view = next(unread, None)
            if view is None:
                return False
            self._learn(view)
        return True

    def _others(self) -> Iterator[tuple[Branch, Ours]]:
        """The session's other branches."""
        for branch in self._archive.branches(self.branch):
            if branch.id != self.branch:
                yield branch, self.sibling(branch)

    # -- reading ---------------------------------------------------------------------------------------

    def _unread(self, known: set[int]) -> Iterator[View]:
        """The views whose versions are not ``known``, newest first. Then they are."""
        for version in range(self._version, 0, -1):
            if version not in known:
                if version not in self._views:
                    self._views[version] = self._archive.view(self.branch, version)
                known.add(version)
                yield self._views[version]

    def _context_of(self, view: View) -> str | None:
        known = self._summaries_of(view)
        if known is None:
            return None
        return context_text(view, LogWindow({}, view.head_end), known, self._options)

    def _summaries_of(self, view: View) -> dict[int, SummaryRecord] | None:
        """None if some were forgotten with the session that they are from."""
        missing = set(view.summaries) - self._summaries.keys()
        if missing:
            self._summaries |= self._archive.summaries(self.branch, missing)
        known = {number: self._summaries.get(number) for number in view.summaries}
        found = {number: record for number, record in known.items() if record is not None}
        return found if len(found) == len(known) else None

    def _learn(self, view: View) -> None:
        """The edits of a view."""
        edits = [entry for entry in view.head if isinstance(entry, Edited) and entry not in self._edited]
        self._read(edit.seq for edit in edits)
        for edit in edits:
            self._edited.add(edit)
            shown = self._rows.get(edit.seq)
            if shown is not None:
                for digest in _digests(shown.with_blocks(edit.blocks)):
                    self._edits.setdefault(digest, set()).add(edit.seq)

    def _read(self, seqs: Iterable[int]) -> None:
        missing = sorted({seq for seq in seqs if seq not in self._rows})
        for row in self._archive.messages(self.branch, ranges_of(missing)) if missing else ():
            shown = None if row.pruned else shown_as(row.seq, row.message, row.kind, references=True)
            self._rows[row.seq] = shown
            if shown is not None:
                self._forms[row.seq] = _digests(row.message) | _digests(shown)


def shared_end(branches: Iterable[Branch], one: int, other: int) -> int:
    """The last message that two branches of a session share."""
    known = {branch.id: branch for branch in branches}
    mine, theirs = _reach(known, one), _reach(known, other)
    return max((min(mine[key], theirs[key]) for key in mine.keys() & theirs.keys()), default=0)


def _reach(branches: Mapping[int, Branch], branch: int) -> dict[int, int]:
    """Up to which message a branch has the log of each of its ancestors, and of itself."""
    found, here = dict[int, int](), branches.get(branch)
    end = here.last_seq if here is not None else 0
    while here is not None:
        found[here.id] = end
        end = min(end, here.fork_at)
        here = None if here.parent is None else branches.get(here.parent)
    return found


def _named(item: Item) -> tuple[int, ...]:
    """The messages that it may stand for, by the marks that all edits have but those of reasoning."""
    found = [int(number) for number in _NAMED.findall(item.message.text)]
    return tuple(dict.fromkeys((*found[:1], *found[-1:])))


def _looks_like_context(item: Item) -> bool:
    if item.role != "user":
        return False
    text = item.message.text
    return text.startswith(_OPENS) and text.endswith(_CLOSES)


def _digests(message: Message) -> set[bytes]:
    """As it is, and as the chat format has it: a list of dicts comes back without what that cannot say."""
    return {content_digest(message), content_digest(Message.from_openai(message.to_openai()))}
