"""Words that nobody else says, put wherever an archive has room for one, and looked for in the raw files."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from context_compaction.archive import Archive, Commit
from context_compaction.messages import (
    MediaBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from context_compaction.testing.archive_rows import Writer, event, summary
from context_compaction.view import Edited, Gap, Kept, Pin, Summary, View

SAID = 7
"""Messages that each step of `planted` appends."""


class Secrets:
    """Words of random letters, and for each the bytes that would give it away wherever it stands.

    Those are its middle: the index shortens what neighbouring terms share, and endings of words.
    """

    def __init__(self, seed: int = 20) -> None:
        self._random = random.Random(seed)
        self.stored: set[bytes] = set()
        """Those that are certain to be in the file until they are forgotten."""
        self.other: set[bytes] = set()
        """Other forms of them, and what is overwritten soon."""

    def __call__(self, *, stays: bool = True) -> str:
        word = "".join(self._random.choices(string.ascii_lowercase, k=24))
        (self.stored if stays else self.other).add(word[4:-4].encode())
        return word

    def media(self, size: int, *, decoded: bool) -> str:
        """Base64 of a file with a secret in it; large ones are stored decoded, small ones as they are."""
        raw = self._random.randbytes(31) + self(stays=decoded).encode() + self._random.randbytes(size)
        text = base64.b64encode(raw)
        (self.other if decoded else self.stored).add(text[44:64])
        return text.decode()

    def found(self, *paths: Path) -> set[bytes]:
        """Those that stand in the files, or in the write-ahead logs beside them."""
        everything = [path.with_name(path.name + suffix) for path in paths for suffix in ("", "-wal", "-shm")]
        raw = b"\n".join(path.read_bytes() for path in everything if path.exists())
        return {probe for probe in self.stored | self.other if probe in raw}


def planted(archive: Archive, secret: Secrets, session: str, namespace: str, steps: int) -> Iterator[int]:
    """Grow a session by a turn and a compaction a step, with a secret in every place."""
    writer = Writer.of(archive, session, namespace)
    base = archive.state(writer.branch)
    for step in range(steps):
        call = secret()
        writer.append(
            Message("user", (TextBlock(f"{secret()} and {secret()}"),), id=secret(), name=secret()),
            Message("user", (MediaBlock("image", data=secret.media(4000, decoded=True), detail=secret()),)),
            Message("user", (MediaBlock("file", data=secret.media(300, decoded=False)),)),
            Message("user", (MediaBlock("file", data=f"not base64! {secret()} " * 99, url=secret()),)),
            Message("assistant", (ReasoningBlock(secret(), secret()), _call(call, secret(), secret()))),
            Message("tool", (ToolResultBlock(call, f"{secret()}\n" * 900, secret()),), timestamp=1e9 + step),
            Message.from_openai({"role": "user", "content": secret(), secret(): {secret(): secret()}}),
        )
        last, version = writer.last_seq, base.view.version + step + 1
        number = base.next_summary + step
        archive.pin(writer.branch, Pin(f"m:{last}", secret()))
        edited = Edited(last - 1, (TextBlock(secret()),), secret(), 3)
        head = (Kept(last), edited, Summary(number), Gap(last - 2, last - 2))
        view = View(version, last, pins=(Pin(f"m:{last}", secret()),)).rebuilt(head)
        report = replace(event(at_seq=last, version=version, committed=True), reason=secret())
        summed = replace(summary(number, f"about {secret()}", ranges=((1, last - 3),)), writer=secret())
        gone = secret(stays=False)
        archive.commit(writer.branch, Commit(version - 1, view, (summed,), report, {gone: gone}))
        note = secret(stays=step + 1 == steps)
        archive.note(writer.branch, {note: note}, replace(event(at_seq=last), reason=secret()))
        yield last


def _call(call_id: str, name: str, argument: str) -> ToolCallBlock:
    return ToolCallBlock(call_id, name, f'{{"path": "{argument}"}}')
