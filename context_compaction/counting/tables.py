"""Finding tiktoken's tables: the user's cache, llama-index-core's bundled copy, then the network.

tiktoken reads its cache folder from the environment while it loads. Setting that variable would be seen by
every thread, so a table on disk is read here and handed to tiktoken's own definition of the encoding.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tiktoken import Encoding

NETWORK_SECONDS = 10.0
"""How long tiktoken may take to download a table; then the process does without."""

_logger = logging.getLogger(__name__)
_lock = threading.Lock()
_loaded: dict[str, Encoding | None] = {}


def load_encoding(name: str) -> Encoding | None:
    """The tiktoken encoding of this name, or None when it cannot be had. Asked once a process.

    Raises `ValueError` for a name that tiktoken does not know.
    """
    with _lock:
        if name not in _loaded:
            _loaded[name] = _find(name)
        return _loaded[name]


def forget_encodings() -> None:
    """Look again at the next `load_encoding`: after the network or a cache folder came back."""
    with _lock:
        _loaded.clear()


def _find(name: str) -> Encoding | None:
    try:
        import tiktoken
    except ImportError:
        _logger.warning("tiktoken cannot be imported; token counts are estimates")
        return None
    if name not in tiktoken.list_encoding_names():
        raise ValueError(f"tiktoken has no encoding {name!r}")
    try:
        return _from_disk(name)
    except Exception as error:  # noqa: BLE001  - no usable table on disk, or a tiktoken built otherwise
        _logger.debug("no table for %s on disk: %r", name, error)
    return _from_network(name)


def _from_disk(name: str) -> Encoding:
    """The encoding as tiktoken defines it, with tables read from disk. Raises if one is missing."""
    import tiktoken

    openai_public: Any = import_module("tiktoken_ext.openai_public")
    space: dict[str, Any] = dict(openai_public.__dict__)
    for key in ("load_tiktoken_bpe", "data_gym_to_mergeable_bpe_ranks"):
        space[key] = read_table
    rebuilt: dict[str, Callable[[], dict[str, Any]]] = {}
    for key, function in openai_public.ENCODING_CONSTRUCTORS.items():
        rebuilt[key] = space[key] = FunctionType(function.__code__, space)
    return tiktoken.Encoding(**rebuilt[name]())


def read_table(url: str, expected_hash: str | None = None) -> dict[bytes, int]:
    """The table that tiktoken would download. Raises `FileNotFoundError` when no folder has it."""
    key = hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()  # tiktoken's own cache key
    for folder in table_folders():
        try:
            contents = (folder / key).read_bytes()
        except OSError:
            continue
        if expected_hash is None or hashlib.sha256(contents).hexdigest() == expected_hash:
            pairs = (line.split() for line in contents.splitlines() if line)
            return {base64.b64decode(token): int(rank) for token, rank in pairs}
    raise FileNotFoundError(f"no cached copy of {url}")


def table_folders() -> Iterator[Path]:
    """Where tables may lie, in the order of trying: the user's tiktoken cache, the bundled copy."""
    import tempfile

    cache = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    if cache is None:
        yield Path(tempfile.gettempdir()) / "data-gym-cache"
    elif cache:
        yield Path(cache)
    spec = find_spec("llama_index")  # a namespace: nothing of it is imported
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(place) / "core" / "_static" / "tiktoken_cache"


def _from_network(name: str) -> Encoding | None:
    """By tiktoken itself, which may download; on a thread of its own, because it sets no time limit."""
    import tiktoken

    found: list[Encoding] = []

    def download() -> None:
        try:
            found.append(tiktoken.get_encoding(name))
        except Exception as error:  # noqa: BLE001  - whatever the network or the cache folder raises
            _logger.debug("tiktoken could not load %s: %r", name, error)

    thread = threading.Thread(target=download, name="tiktoken-download", daemon=True)
    thread.start()
    thread.join(NETWORK_SECONDS)
    if found:
        return found[0]
    _logger.warning("tiktoken's table %s cannot be had here; token counts are estimates", name)
    return None
