"""onroll in a folder of its own: a CSV school and the embedded directory, so that the whole line runs without a network."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.directory import forget

CONFIG = """
[console]
listen = "127.0.0.1:0"
[targets.ad]
kind = "active_directory"
server = "embedded:directory.json"
base = "OU=Milton Park,DC=school,DC=test"
[[school]]
id = "milton-park"
name = "Milton Park School"
domain = "miltonpark.test"
mis = "csv"
targets = ["ad"]
[school.source]
path = "export"
quiet_seconds = 0
"""
SECOND = """
[[school]]
id = "oakfield"
name = "Oakfield Primary School"
domain = "oakfield.test"
mis = "csv"
targets = ["ad"]
source = { path = "oakfield", quiet_seconds = 0 }
students = { place = "Oakfield/{yoe4}", prefix = "o-" }
staff = { place = "Oakfield/Staff" }
"""
HEADER = "Adno,Forename,Surname,Year,DOA,Date of leaving\n"
POTTERS = ("1,Harry,Potter,7,01/09/2026,", "2,Hermione,Potter,7,01/09/2026,", "3,Ron,Weasley,8,01/09/2025,")


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


@dataclass
class Command:
    """onroll, run in this process; `process` runs it as one of its own."""

    folder: Path

    def configure(self, text: str) -> None:
        (self.folder / "onroll.toml").write_text(text, encoding="utf-8")

    def students(self, *rows: str, folder: str = "export") -> None:
        (self.folder / folder).mkdir(exist_ok=True)
        text = HEADER + "".join(f"{row}\n" for row in rows)
        (self.folder / folder / "students.csv").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, code: int = 0) -> Done:
        from onroll_daemon.cli import app

        out, err = io.StringIO(), io.StringIO()
        config = (
            () if "--config" in arguments or arguments[0] == "init" else ("--config", str(self.folder / "onroll.toml"))
        )
        ended: Any = 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                app([*arguments, *config])
            except SystemExit as end:
                ended = end.code
        done = Done(ended or 0, out.getvalue(), err.getvalue())
        forget(str(self.folder / "directory.json"))  # as a process of its own would have
        assert done.code == code, f"{done.code}\n{done.out}\n{done.err}"
        assert "Traceback" not in done.err
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).out)

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "onroll_daemon", *arguments]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=self.folder, text=True, encoding="utf-8", **(pipes | more))

    def process(self, *arguments: str, code: int = 0, **more: Any) -> Done:
        running = self.start(*arguments, **more)
        out, err = running.communicate(timeout=120)
        assert running.returncode == code, f"{running.returncode}\n{out}\n{err}"
        assert "Traceback" not in (err or "")
        return Done(running.returncode, out or "", err or "")


def milton_park(folder: Path) -> Command:
    """A command with its school: three pupils, nothing read yet."""
    command = Command(folder)
    command.configure(CONFIG)
    command.students(*POTTERS)
    return command
