"""What is kept about a message's text from its append on."""

import pytest

from context_compaction.messages import Message, ToolResultBlock
from context_compaction.text.features import MAX_PATHS, features_of


def _paths(output: str) -> tuple[str, ...]:
    return features_of(Message("tool", (ToolResultBlock("c", output),))).paths


@pytest.mark.parametrize(
    ("output", "paths"),
    [
        ("see src/a.py and b.md", ("src/a.py", "b.md")),
        ("a.py a.py ./lib/b.ts", ("a.py", "./lib/b.ts")),
        ("e.g. v1.2 or x.exe, 3.14", ()),
        ("a.py/b.py", ("a.py/b.py",)),
        ("in lib/hosts and lib/ssh.conf", ("lib/ssh.conf",)),
    ],
)
def test_paths_are_found_in_order_each_once(output: str, paths: tuple[str, ...]):
    assert _paths(output) == paths


@pytest.mark.parametrize("between", [" ", "\n", "-> "])
def test_the_first_few_paths_are_kept(between: str):
    names = [f"src/f{number}.py" for number in range(40)]
    assert _paths(between.join(name for name in names for _ in range(3))) == tuple(names[:MAX_PATHS])
