"""The command `see` in a process of its own, and what every failure of it has to look like."""

import os
import subprocess
import sys
from pathlib import Path

MAIN = "from pipelines.cli import main; main()"


def see(*arguments: object, before: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `see` with some arguments; `before` is run first in the same process."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", f"{before}\n{MAIN}", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env=environment,
        timeout=300,
        check=False,
    )


def assert_one_line(process: subprocess.CompletedProcess[str], *parts: object, code: int = 1) -> None:
    """Hold a failed run against the promise: its exit code, and one line on standard error with some parts."""
    assert process.returncode == code, process.stderr
    assert "Traceback" not in process.stderr
    assert process.stderr.count("\n") == 1, process.stderr
    assert process.stderr.endswith("\n")
    assert len(process.stderr) < 1_000
    for part in parts:
        assert str(part) in process.stderr
