"""The installer's scripts, read by PowerShell's grammar: they parse, and every variable, function and command of ours in them is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell

from wine import ROOT

SCRIPTS = [ROOT / "packaging/windows" / name for name in ("install.ps1", "uninstall.ps1")]
# Of Windows PowerShell 5.1, which every server has.
CMDLETS = set(
    "Add-Type Copy-Item ForEach-Object Get-ChildItem Get-Content Get-Date Get-FileHash Get-Service Join-Path New-Item New-Object Out-Null"
    " Read-Host Remove-Item Rename-Item Select-Object Set-StrictMode Sort-Object Split-Path Start-Service Stop-Service Test-Path Unblock-File Where-Object Write-Host".split()
)
AUTOMATIC = {"null", "true", "false", "_", "lastexitcode", "psscriptroot", "erroractionpreference"}
_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def nodes(script: bytes) -> Iterator[tree_sitter.Node]:
    todo = [_PARSER.parse(script).root_node]
    while todo:
        node = todo.pop()
        yield node
        todo += node.children


def mistakes(script: bytes) -> list[str]:
    """Where the grammar stumbles; by PowerShell's own parser too, where there is one."""
    found = [f"line {each.start_point.row + 1}" for each in nodes(script) if each.is_error or each.is_missing]
    shell = shutil.which("pwsh")
    if shell:
        ask = "$e = $null; [Management.Automation.Language.Parser]::ParseInput([Console]::In.ReadToEnd(), [ref]$null, [ref]$e) | Out-Null; $e"
        done = subprocess.run([shell, "-NoProfile", "-Command", ask], input=script, capture_output=True, check=True)
        found += done.stdout.decode().split("\n") if done.stdout.strip() else []
    return found


def words(script: bytes, kind: str) -> list[str]:
    return [each.text.decode() for each in nodes(script) if each.type == kind and each.text is not None]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_parses(path: Path) -> None:
    script = path.read_bytes()
    assert mistakes(script) == []
    for broken in (
        script.replace(b"}\n", b"\n", 1),
        script.replace(b"')\n", b"\n", 1),
        script.replace(b"if (", b"if ", 1),
    ):
        assert broken == script or mistakes(broken) != []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_uses_no_variable_that_is_not_set(path: Path) -> None:
    script = path.read_bytes()
    used = {name.strip("@${}").lower() for name in words(script, "variable") if ":" not in name}
    text = script.decode()
    given = {name.lower() for name in re.findall(r"(?m)^\s*\$(\w+)\s*=", text)}
    given |= {name.lower() for name in re.findall(r"\[(?:string|string\[\]|switch)\]\$(\w+)", text)}
    assert used - given - AUTOMATIC == set()
    assert "'Stop'" in text
    assert "Set-StrictMode" in text


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_calls_only_what_every_server_has(path: Path) -> None:
    script = path.read_bytes()
    called = {name for name in words(script, "command_name") if not name.startswith("$")}
    functions = set(words(script, "function_name"))
    assert called - CMDLETS - functions == set()
    assert {"Invoke-WebRequest", "Invoke-Expression", "iex"} & called == set()


def test_every_command_of_ours_that_the_installer_gives_or_names_is_there() -> None:
    from typer.main import get_command

    from onroll_daemon.cli import app

    root = get_command(app)
    text = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    asked = re.findall(r"onroll(?:_daemon)? ([a-z]+(?: [a-z]+)?)", text)
    asked += [" ".join(re.findall(r"'([a-z]+)'", line)) for line in re.findall(r"Invoke-Onroll @\((.*)\)", text)]
    found = [each.split() for each in asked if each.split()[0] in root.commands]  # type: ignore[attr-defined]
    assert {"service", "init", "check", "pull", "plan"} <= {each[0] for each in found}
    for each in found:
        if each[0] == "service":
            assert each[1] in root.commands["service"].commands  # type: ignore[attr-defined]


def test_an_upgrade_stops_the_service_backs_up_with_the_old_program_and_only_then_replaces_it() -> None:
    text = SCRIPTS[0].read_text(encoding="utf-8")
    steps = (
        "Stop-Service -Name 'onroll'",
        "& $Python -m onroll_daemon backup $kept --config $configuration",
        "if (-not $backedUp) {",
        "Stop-Here ('No backup could be made",
        "Rename-Item -Path $Program -NewName",
        "ExtractToDirectory($payload, $Program)",
        "Invoke-Onroll @('service', 'start')",
    )
    found = [text.index(each) for each in steps]
    assert found == sorted(found)
    assert "Remove-Item -Path $Folder" in SCRIPTS[1].read_text(encoding="utf-8").partition("if ($Data -and")[2]
    assert SCRIPTS[1].read_text(encoding="utf-8").count("$Folder -Recurse") == 1
