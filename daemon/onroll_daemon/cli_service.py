"""The commands about the service on Windows; elsewhere each says what does it there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from onroll_daemon.cli_options import Config, Json

service = typer.Typer(
    no_args_is_help=True, help="The service on Windows: install, start, stop, remove, status, secret."
)
Account = Annotated[
    str, typer.Option("--account", metavar="NAME", help="NT SERVICE\\onroll, or a group-managed account.")
]


@contextmanager
def _on_windows(elsewhere: str) -> Iterator[None]:
    """Only on Windows; on another system, say in a sentence what does this there and end with exit code 2."""
    from onroll_daemon.session import USAGE, sentences, stop

    if sys.platform != "win32":
        stop(USAGE, f"This system has no service manager of Windows; systemd does it here: {elsewhere}")
    from onroll_daemon import log

    log.set_up()
    with sentences():
        yield


def _place(config: str | None) -> Path:
    named = config or os.environ.get("ONROLL_CONFIG")
    path = Path(named) if named else Path(os.environ.get("PROGRAMDATA", "C:/ProgramData"), "onroll", "onroll.toml")
    return (path / "onroll.toml" if path.is_dir() else path).absolute()


@service.command()
def install(account: Account = "NT SERVICE\\onroll", config: Config = None) -> None:
    """Register the service, say who may read its folder, and what happens when it fails."""
    with _on_windows("systemctl enable onroll"):
        from onroll_daemon import windows_control as control
        from onroll_daemon.session import say

        path = _place(config)
        for sentence in control.install(path, account):
            say(sentence)
        say(f"The service onroll is installed. It runs as {account} and reads {path}.")


@service.command()
def start() -> None:
    """Check the configuration, then start the service."""
    with _on_windows("systemctl start onroll"):
        from onroll_daemon import windows_control as control
        from onroll_daemon.session import read_settings, say

        found = control.status()
        if found is not None:
            read_settings(found.config)
        control.start()
        say("onroll is running.")


@service.command("stop")
def stop_it() -> None:
    """Stop the service; a run ends after the batch in hand."""
    with _on_windows("systemctl stop onroll"):
        from onroll_daemon import windows_control as control
        from onroll_daemon.session import say

        control.stop()
        say("onroll has stopped.")


@service.command()
def remove() -> None:
    """Stop the service and take it away; configuration, store and log stay."""
    with _on_windows("systemctl disable --now onroll"):
        from onroll_daemon import windows_control as control
        from onroll_daemon.session import say

        control.remove()
        say("The service onroll is no longer installed. Its configuration, store and log were left.")


@service.command()
def status(as_json: Json = False) -> None:
    """Whether it runs, as whom, and by which configuration; exit code 1 when it does not run."""
    with _on_windows("systemctl status onroll"):
        from onroll_daemon import windows_control as control
        from onroll_daemon.session import document, say

        found = control.status()
        if as_json:
            document(asdict(found) if found is not None else {"state": "not installed"})
        elif found is None:
            say("onroll is not installed as a service here. Install it with: onroll service install")
        else:
            process = f" (process {found.process})" if found.process else ""
            say(f"onroll is {found.state}{process}. It runs as {found.account} and reads {found.config}.")
    if found is None or found.state != "running":
        raise typer.Exit(1)


@service.command()
def secret(
    name: Annotated[str, typer.Argument(help="Its name: onroll.toml then says credential:NAME.")],
    file: Annotated[str | None, typer.Option("--file", metavar="FILE", help="What is in this file, as a key.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Forget it.")] = False,
) -> None:
    """Store a secret for the service, sealed by Windows for this machine; it is asked for, or read from standard input."""
    with _on_windows("systemd-creds encrypt, and LoadCredentialEncrypted= in the unit"):
        from onroll_daemon.session import say
        from onroll_daemon.windows_secrets import forget, store

        if remove:
            say(f"{name} is forgotten." if forget(name) else f"There was no secret {name}.")
            return
        say(f"Stored. In onroll.toml, write: credential:{name}  ({store(name, file)})")
