"""Files of exports, as records and back."""

import hashlib
import json
from typing import Any

Records = list[dict[str, Any]]


def records(file: bytes) -> Records:
    """All but header and end."""
    return [json.loads(line) for line in file.splitlines()[1:-1]]


def sealed(content: Records) -> bytes:
    """A file with its header and end record, as anybody could write it."""
    header = {"format": "context-compaction", "version": 1}
    lines = [json.dumps(record, separators=(",", ":")) for record in (header, *content)]
    body = "".join(f"{line}\n" for line in lines).encode()
    end = {"type": "end", "lines": len(lines), "sha256": hashlib.sha256(body).hexdigest()}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"
