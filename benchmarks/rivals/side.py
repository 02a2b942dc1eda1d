"""What a measuring process runs: one function, whose result it prints as JSON.

It imports nothing of Pictree's: the rivals' environment has it not.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path


def main() -> None:
    """Call what the command line names."""
    call, data, work, arguments = sys.argv[1:]
    module, name = call.split(":")
    function = getattr(import_module(f"benchmarks.rivals.{module}"), name)
    found = function(Path(data), Path(work), **json.loads(arguments))
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
