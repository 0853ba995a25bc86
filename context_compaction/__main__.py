"""``python -m context_compaction demo``."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Run a command; ``demo`` is the only one."""
    if arguments[:1] == ["demo"]:
        from context_compaction.demo.cli import demo

        return demo(arguments[1:])
    print(
        "usage: python -m context_compaction demo [FILE] [--window N] [--trigger F] [--preset P]",
        file=sys.stderr,
    )
    return 0 if arguments in (["-h"], ["--help"]) else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
