"""What is different on Windows: sealed secrets, the event log, paths, newlines, files that others hold open, consoles of another code page, rights."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

import pytest

from command import CONFIG, HEADER
from onroll_core.errors import Halt
from onroll_daemon import windows_rights
from onroll_daemon.log_files import LogFile
from wine import Windows

FOLDER = "Écoles et élèves"
PAGES = ("cp437", "cp1252") if os.environ.get("ONROLL_SOAK") else ("cp437",)


def script(windows: Windows, text: str, more: dict[str, str] | None = None) -> str:
    """What a few lines of Python on Windows print."""
    path = windows.drive / f"{abs(hash(text))}.py"
    path.write_text(text, encoding="utf-8")
    more = {"PYTHONUTF8": "1", **(more or {})}
    return windows.python(f"C:\\{path.name}", more=more).stdout.decode().replace("\r\n", "\n")


def school_with_spaces(windows: Windows) -> Path:
    folder = windows.drive / FOLDER
    (folder / "export").mkdir(parents=True, exist_ok=True)
    (folder / "onroll.toml").write_text(CONFIG, encoding="utf-8", newline="\r\n")
    rows = HEADER + '1,Zoë,Müller,7,01/09/2026,\n2,Ian,"O’Neill",7,01/09/2026,\n'
    rows += "3,Ewa,Wiśniewska,8,01/09/2025,\n"
    (folder / "export/students.csv").write_bytes(rows.replace("\n", "\r\n").encode())
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_a_console_of_any_code_page_and_a_folder_with_accents_are_no_trouble(windows: Windows, page: str) -> None:
    folder = school_with_spaces(windows)
    config = f"C:\\{FOLDER}\\onroll.toml"
    more = {"PYTHONIOENCODING": page, "PYTHONLEGACYWINDOWSSTDIO": "1"}
    windows.onroll("sync", "--config", config, "--today", "2026-11-26", more=more)
    listed = windows.onroll("users", "list", "--config", config, more=more).stdout.decode()
    assert "Wiśniewska" in listed
    assert (folder / "onroll.db").exists()
    plan = json.loads(windows.onroll("plan", "--json", "--config", config, "--today", "2026-11-26").stdout)
    assert [each["changes"] for each in plan["plans"]] == [[]]


def test_what_onroll_writes_for_windows_has_no_doubled_newlines(windows: Windows) -> None:
    windows.onroll("init", f"C:\\{FOLDER}\\fresh")
    text = (windows.drive / FOLDER / "fresh/onroll.toml").read_bytes()
    assert b"\r\r\n" not in text
    again = windows.onroll("init", f"C:\\{FOLDER}\\fresh", check=False)
    assert again.returncode == 2
    assert FOLDER in again.stderr.decode()


def test_an_export_that_the_mis_still_holds_open_is_said_in_a_sentence(windows: Windows) -> None:
    school_with_spaces(windows)
    said = script(
        windows,
        f"""import subprocess, sys, win32con, win32file
held = win32file.CreateFile(r"C:\\{FOLDER}\\export\\students.csv", win32con.GENERIC_READ, 0, None, win32con.OPEN_EXISTING, 0, None)
done = subprocess.run([sys.executable, "-m", "onroll_daemon", "pull", "--config", r"C:\\{FOLDER}\\onroll.toml", "--today", "2026-11-26"],
    stdin=subprocess.PIPE, capture_output=True)
print(done.returncode, done.stderr.decode())
""",
    )
    assert said.startswith("4 ")
    assert "students.csv" in said
    assert "Traceback" not in said


LOGGING = r"""import logging, pathlib
from onroll_daemon.log_files import LogFile
path = pathlib.Path(r"C:\logs here\onroll.log")
handler = LogFile(path, limit=200, keep=20)
log = logging.getLogger("onroll"); log.addHandler(handler); log.setLevel("INFO"); log.propagate = False
reader = None
for n in range(60):
    if n == 20: reader = open(path); before = len(list(path.parent.iterdir()))
    if n == 39: print("held", len(list(path.parent.iterdir())) - before)
    if n == 40: reader.close(); handler._not_before = 0.0
    log.info("line %02d of the log", n)
for each in path.parent.iterdir(): print(each.read_text(), end="")
print("files", len(list(path.parent.iterdir())))
"""


def test_no_line_of_the_log_is_lost_while_somebody_reads_it(windows: Windows) -> None:
    said = script(windows, LOGGING)
    assert sorted(line for line in said.splitlines() if line.startswith("line")) == [
        f"line {n:02d} of the log" for n in range(60)
    ]
    assert "held 0\n" in said
    assert int(said.split("files ")[1]) == 4


def test_the_log_is_turned_and_old_ones_go(tmp_path: Path) -> None:
    handler = LogFile(tmp_path / "logs/onroll.log", limit=100, keep=2)
    for n in range(40):
        handler.emit(logging.LogRecord("onroll", logging.INFO, "", 0, "line %s ś", (n,), None))
    handler.close()
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["onroll.log", "onroll.log.1", "onroll.log.2"]
    assert "line 39 ś\n" in (tmp_path / "logs/onroll.log").read_text(encoding="utf-8")


def test_a_secret_is_sealed_for_its_name_and_opened_by_its_reference(windows: Windows) -> None:
    where = {"CREDENTIALS_DIRECTORY": f"C:\\{FOLDER}\\sealed"}
    windows.onroll("service", "secret", "mis", stdin="Pässwörd ś 1\r\n".encode(), more=where)
    sealed = (windows.drive / FOLDER / "sealed/mis").read_bytes()
    assert "Pässwörd".encode() not in sealed
    (windows.drive / FOLDER / "sealed/other").write_bytes(sealed)
    text = """from onroll_connectors.secrets import Secret
from onroll_core.errors import Halt
print(Secret("credential:mis").reveal() == "P\\u00e4ssw\\u00f6rd \\u015b 1")
for name in ("other", "none", "..\\\\mis"):
    try: print(Secret("credential:" + name).reveal())
    except Halt as halt: print(halt)
"""
    opened, other, none, outside = script(windows, text, more=where).splitlines()
    assert opened == "True"
    assert "under another name" in other
    assert "onroll service secret none" in none
    assert "is not the name of a credential" in outside
    assert b"forgotten" in windows.onroll("service", "secret", "mis", "--remove", more=where).stdout
    assert windows.onroll("service", "secret", "mis", stdin=b"\n", check=False, more=where).returncode == 1


EVENTS = """import logging
from onroll_daemon import event_log, log
event_log.register()
log.set_up(service=True)
logging.getLogger().addHandler(event_log.EventLog())
ours = logging.getLogger("onroll")
ours.info("nothing to see")
ours.warning("milton-park: held: %s", "too many leavers")
try: raise ValueError("Harry Potter")
except ValueError: ours.error("a run failed", exc_info=True)
logging.getLogger("another.library").error("whole answers")
import win32api, win32con
key = win32api.RegOpenKey(win32con.HKEY_LOCAL_MACHINE, r"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\onroll")
print(win32api.RegQueryValueEx(key, "EventMessageFile")[0])
event_log.unregister(); event_log.unregister()
"""


def test_the_event_log_is_told_warnings_and_errors_and_nobodys_name(windows: Windows) -> None:
    path = windows.drive / "events.py"
    path.write_text(EVENTS, encoding="utf-8")
    done = windows.python("C:\\events.py", more={"WINEDEBUG": "-all,err+eventlog,warn+eventlog"})
    told = [line for line in done.stderr.decode().splitlines() if ":eventlog:" in line]
    assert len(told) == 2
    assert "too many leavers" in told[0]
    assert "a run failed" in told[1]
    assert "Potter" not in "".join(told)
    assert done.stdout.decode().strip().endswith("win32evtlog.pyd")


RIGHTS = """import win32security as s
from onroll_daemon import windows_rights as r
held = s.SECURITY_DESCRIPTOR()
held.SetSecurityDescriptorDacl(1, r.entries(r.virtual_sid("onroll")), 0)
print(s.ConvertSecurityDescriptorToStringSecurityDescriptor(held, 1, s.DACL_SECURITY_INFORMATION))
r.elevated()
"""


def test_the_data_folder_is_for_the_system_administrators_and_the_service_alone(windows: Windows) -> None:
    sid = windows_rights.virtual_sid("onroll")
    assert script(windows, RIGHTS).strip() == f"D:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;{sid})"


def test_the_sid_of_a_virtual_account_is_reckoned_as_windows_does() -> None:
    installer = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
    assert windows_rights.virtual_sid("TrustedInstaller") == installer


@pytest.mark.parametrize(
    "told", ["LocalSystem", "SCHOOL\\administrator", "onroll@school.test", "NT SERVICE\\other", ""]
)
def test_an_account_with_a_password_or_every_right_is_refused(told: str) -> None:
    with pytest.raises(Halt, match="group-managed"):
        windows_rights.account(told, "onroll")
    assert windows_rights.account("SCHOOL\\onroll$", "onroll") == "SCHOOL\\onroll$"
    assert windows_rights.account("nt service\\ONROLL", "onroll") == "NT SERVICE\\onroll"


@pytest.mark.parametrize("what", ["install", "start", "stop", "remove", "status", "secret"])
def test_elsewhere_each_command_says_what_does_it_there(what: str) -> None:
    import subprocess

    words = [sys.executable, "-m", "onroll_daemon", "service", what, *(["mis"] if what == "secret" else [])]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "systemd" in done.stderr
    assert len(done.stderr.splitlines()) == 1
