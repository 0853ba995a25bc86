"""What is embedded of a message or a summary, and of a question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from context_compaction.archive.base import Archive
from context_compaction.messages import Message, quotable

MAX_CHARS = 4000
"""Of a text: models read some hundred words and leave out the rest."""
_WORD = re.compile(r"(\w+)(?:['\u2019]s\b)?")


def texts_of(archive: Archive, branch: int, refs: Sequence[str]) -> dict[str, str]:
    """What is to be embedded, by reference; empty for what is gone or says nothing in words.

    Not who said it: that is weighed apart, and a name pulls a vector towards whatever mentions it.
    """
    texts = dict.fromkeys(refs, "")
    seqs = [int(ref[2:]) for ref in refs if ref[0] == "m"]
    summaries = [int(ref[2:]) for ref in refs if ref[0] == "s"]
    for row in archive.messages(branch, [(seq, seq) for seq in seqs]) if seqs else ():
        if not row.pruned:
            texts[f"m:{row.seq}"] = quotable(row.message)[:MAX_CHARS]
    for number, summary in (archive.summaries(branch, summaries) if summaries else {}).items():
        texts[f"s:{number}"] = summary.text[:MAX_CHARS]
    return texts


def without_speakers(question: str, messages: Iterable[Message]) -> str:
    """The question without the names of those who speak in ``messages``; whole if it is only these."""
    names = {word for message in messages for word in (message.name or "").split()}
    if not names:
        return question
    left = _WORD.sub(lambda found: "" if found[1] in names else found[0], question)
    return " ".join(left.split()) if re.search(r"\w", left) else question
