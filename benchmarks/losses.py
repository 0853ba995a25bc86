"""What LlamaIndex's memories lose, tried on the installed version, beside ours."""

from __future__ import annotations

import logging
import warnings
from importlib.metadata import version
from pathlib import Path

from benchmarks import Skipped, Table


def run(data: Path | None) -> Table:  # noqa: ARG001 - the conversations are made here
    """A row a loss: theirs, ours."""
    try:
        from benchmarks._losses import losses, told
    except ImportError:
        raise Skipped("llama-index-core is not installed, so there is nothing to try") from None
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = [(loss.whose, loss.what, told(loss.theirs), told(loss.ours)) for loss in losses()]
    finally:
        logging.disable(logging.NOTSET)
    installed = ", ".join(
        f"{name} {version(name)}" for name in ("llama-index-core", "pydantic", "sqlalchemy")
    )
    return Table(
        "What LlamaIndex's own memories lose", ["whose", "what", "theirs", "ours"], rows, [f"on {installed}"]
    )
