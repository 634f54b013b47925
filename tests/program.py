"""The command line in processes of their own, as people start it: branched off from one that has imported it."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO, cast

BRANCHING = """
import json, os, runpy, sys
import stadtgraph.cli

for line in sys.stdin:
    arguments, folder, environment = json.loads(line)
    child = os.fork()  # before anything was opened
    if not child:
        code = 1
        try:
            for handle, name in enumerate(("in", "out", "err")):
                os.dup2(os.open(os.path.join(folder, name), os.O_RDWR | os.O_APPEND), handle)
            os.environ.clear()
            os.environ.update(environment)
            sys.argv[1:] = arguments
            runpy.run_module("stadtgraph", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Program:
    """``stadtgraph``, ready to be run."""

    def __init__(self) -> None:
        """Import it in a process that waits for what to run."""
        command = [sys.executable, "-c", BRANCHING]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run it; give its exit code and what it said."""
        with TemporaryDirectory() as name:
            folder = Path(name)
            for file, text in (("in", stdin), ("out", ""), ("err", "")):
                (folder / file).write_text(text, "utf-8")
            told, answers = cast(TextIO, self._process.stdin), cast(TextIO, self._process.stdout)
            told.write(json.dumps([arguments, name, dict(os.environ)]) + "\n")
            told.flush()
            code = int(answers.readline())
            out, err = ((folder / file).read_bytes().decode() for file in ("out", "err"))
        return subprocess.CompletedProcess(arguments, code, out.replace("\r\n", "\n"), err.replace("\r\n", "\n"))

    def close(self) -> None:
        """End the process that waits."""
        with self._process:
            pass


@cache
def _started() -> Program:
    made = Program()
    atexit.register(made.close)
    return made


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``stadtgraph`` in a process of its own; give its exit code and what it said."""
    return _started().run(*arguments, stdin=stdin)
