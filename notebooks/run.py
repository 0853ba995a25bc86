"""Run the notebooks from top to bottom: ``python notebooks/run.py [--write] [NOTEBOOK ...]``, all by default.

Anything that a cell raises, and anything that it says on standard error, a warning, say, is a failure. With
``--write`` the outputs are kept in the files, less what is long or of this run alone.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).parent
SECONDS = 300
"""That one cell may take."""
PLAIN = 200
"""Characters that are kept of the text that stands in for a display."""
ENVIRONMENT = {
    "TQDM_DISABLE": "1",
    "PYTHONWARNINGS": "ignore:IProgress not found",  # bars without widgets; none are shown here
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


def main(arguments: list[str]) -> int:
    """0 when every notebook ran, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, default=sorted(HERE.glob("*.ipynb")))
    parser.add_argument("--write", action="store_true", help="keep the outputs")
    options = parser.parse_args(arguments)
    return max([ran(path, write=options.write) for path in options.notebooks], default=1)


def ran(path: Path, *, write: bool) -> int:
    """Run one notebook; 0 when it ran."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", record_timing=False)
    kernel = client.create_kernel_manager()
    with tempfile.TemporaryDirectory() as folder:
        kernel.transport, kernel.ip = "ipc", f"{folder}/kernel"  # no port is opened
        try:
            client.execute(cwd=folder)
        except CellExecutionError as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            return 1
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    said = [output["text"] for output in outputs if output.get("name") == "stderr"]
    print(f"{path.name}: {'complained' if said else 'ran'}")
    print("".join(said), end="", file=sys.stderr)
    if write:
        for output in outputs:
            _shorten(output.get("data", {}))
        notebook.metadata["language_info"] = {"name": "python"}
        nbformat.write(notebook, path)
    return int(bool(said))


def _shorten(data: Any) -> None:
    """Of what has a display of its own, the text in its place is the beginning, without addresses."""
    if "text/plain" in data and len(data) > 1:
        data["text/plain"] = re.sub(r"0x[0-9a-f]+", "0x", data["text/plain"])[:PLAIN]


if __name__ == "__main__":
    # The package beside it, installed or not.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
    os.environ.update(ENVIRONMENT)
    sys.exit(main(sys.argv[1:]))
