"""LlamaIndex's face of context-compaction: memory, memory block, chat store, importers.

Names are loaded when they are first used.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from llamaindex_compaction.errors import MissingArchive, MissingPackage
    from llamaindex_compaction.memory import CompactionMemory
    from llamaindex_compaction.messages import from_llamaindex, to_llamaindex

__all__ = [
    "CompactionMemory",
    "MissingArchive",
    "MissingPackage",
    "from_llamaindex",
    "to_llamaindex",
]

_WHERE = {
    "errors": "MissingArchive MissingPackage",
    "memory": "CompactionMemory",
    "messages": "from_llamaindex to_llamaindex",
}
"""By module, the public names that it defines."""
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names.split()}


def __getattr__(name: str) -> _Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
