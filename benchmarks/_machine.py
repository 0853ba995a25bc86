"""The machine in words, what is installed on it, and how busy it is. No names, no addresses, no paths."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "langchain",
    "langchain-core",
    "langchain-classic",
    "langchain-community",
    "langgraph",
    "deepagents",
    "llama-index-core",
    "rank-bm25",
    "tiktoken",
    "transformers",
    "torch",
    "numpy",
    "pydantic",
    "psycopg",
)
_PATH = re.compile(r"(?<![\w.])(?:~|[A-Za-z]:)?[/\\](?:[\w.@+-]+[/\\])+([\w.@+-]*)")


def machine() -> dict[str, str]:
    """Cores, memory, system, Python, and a GPU if there is one."""
    return {
        "cores": f"{os.cpu_count()} ({platform.machine()})",
        "memory": _memory(),
        "system": _system(),
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "GPU": _gpu(),
    }


def versions() -> dict[str, str]:
    """Of this package and of everything that it is measured with or beside."""
    from context_compaction import __version__

    return {"context-compaction": __version__} | {name: _installed(name) for name in PACKAGES}


def load() -> float | None:
    """Processes that ran or waited to, mean of the last minute; None where the system does not say."""
    try:
        return round(os.getloadavg()[0], 1)
    except (AttributeError, OSError):
        return None


def without_paths(text: str) -> str:
    """Of each path only the last part."""
    return _PATH.sub(r"\1", text)


def _memory() -> str:
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{total / 2**30:.0f} GiB"


def _system() -> str:
    try:
        return f"{platform.system()}, {platform.freedesktop_os_release()['PRETTY_NAME']}"
    except (OSError, KeyError):
        return platform.system()


def _gpu() -> str:
    try:
        import torch
    except ImportError:
        return "none looked for: no torch"
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
