"""`onroll backup` and `onroll restore`: the store and the configuration as one file, made while onroll works, and put back on this machine or another.

A backup is a ZIP file of `manifest.json`, `onroll.toml` and the store, always as an SQLite file. No secret is in it: the configuration only says where they
are. People's names are, so it is written for its owner alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from onroll_core.errors import Halt
from onroll_core.store import copies
from onroll_core.store.engine import HEAD
from onroll_daemon.ownership import give
from onroll_daemon.settings import Settings, load
from onroll_daemon.wiring import store_address

FORMAT = 1
_MANIFEST, _CONFIGURATION, _STORE = "manifest.json", "onroll.toml", "onroll.db"
_STATE = "/var/lib/onroll"
_FILES = ("ca_file", "tls_certificate", "tls_key", "templates")


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was written and read back."""

    file: Path
    copy: copies.Copy
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore put in place, and `aside`, what it put away. `beside`: what the configuration names and no backup holds. `differs`: the configuration that is
    there is not the backup's, and was left alone."""

    store: str
    configuration: Path
    copy: copies.Copy
    made: str
    machine: str
    let_go: copies.LetGo
    aside: tuple[Path, ...]
    beside: tuple[str, ...]
    differs: bool


def back_up(settings: Settings, file: Path, now: datetime) -> Made:
    """Write a backup to `file`, which must not exist (a folder gets one with a name of its own). Raises Halt, and leaves nothing, when that fails."""
    if file.is_dir():
        file = file / f"onroll-backup-{now:%Y-%m-%d-%H%M%S}.zip"
    text = settings.path.read_bytes()
    beside = _beside(tomllib.loads(text.decode("utf-8-sig")))
    with _made_anew(file) as stream, _workshop(file.absolute().parent) as folder:
        copied = copies.back_up(store_address(settings), folder / _STORE)
        (folder / _CONFIGURATION).write_bytes(text)
        manifest = {
            "onroll_backup": FORMAT,
            "version": version("onroll"),
            "made": now.isoformat(timespec="seconds"),
            "machine": socket.gethostname(),
            "schema": copied.schema,
            "people": copied.people,
            "runs": copied.runs,
            "files": {name: _digest(folder / name) for name in (_CONFIGURATION, _STORE)},
            "beside": beside,
        }
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False))
            for name in (_CONFIGURATION, _STORE):
                archive.write(folder / name, name)
        stream.flush()
        os.fsync(stream.fileno())
        (folder / _STORE).unlink()
        with _unpacked(file, folder):  # what was written is opened again: a backup that cannot be read is none
            pass
    return Made(file, copied, tuple(beside))


def keep_before_upgrade(settings: Settings, now: datetime, told: Mapping[str, str]) -> Made | None:
    """A backup of an older store on PostgreSQL, for it is about to be upgraded; None where there is nothing to keep. A store in a file is kept by the store itself.

    `told` is the environment: ONROLL_BACKUPS names the folder, else it is that of the service's state, else that of the configuration, whichever can be written.
    Raises Halt, and the store must not be upgraded, when no backup could be made.
    """
    address = store_address(settings)
    if copies.file_of(address) is not None:
        return None
    schema = copies.schema(address)
    if schema is None or schema >= HEAD:
        return None
    folders = _for_backups(settings, told)
    folder = next((each for each in folders if each.is_dir() and os.access(each, os.W_OK)), folders[0])
    try:
        made = back_up(settings, folder / f"before-{HEAD}-{now:%Y-%m-%d-%H%M%S}-{os.getpid()}.zip", now)
    except Halt as failure:
        raise Halt(
            f"{failure.sentence} The store is that of an older onroll (its schema is {schema}), and before it is upgraded it is backed up into {folder};"
            " it was left as it was. Make room there, or name a folder that onroll may write with the environment variable ONROLL_BACKUPS, then start again."
        ) from None
    give(made.file, folder.stat())
    if made.copy.schema != schema:  # another program has upgraded it meanwhile, and has kept it as it was
        made.file.unlink()
        return None
    return made


def _for_backups(settings: Settings, told: Mapping[str, str]) -> list[Path]:
    if told.get("ONROLL_BACKUPS"):
        return [Path(told["ONROLL_BACKUPS"])]
    state = [Path(each) for each in (told.get("STATE_DIRECTORY", "").partition(":")[0], _STATE) if each]
    return [folder for each in state for folder in (each / "backups", each)] + [settings.path.resolve().parent]


def restore(file: Path, present: Path | None, into: Path | None, now: datetime) -> Restored:
    """Put a backup in place. With `into`, its configuration goes into that folder, and its store where that configuration says; else its store goes where the
    configuration `present` says. What was there is kept beside it. Raises Halt, having changed nothing, when another program has the store open."""
    where = Path(tempfile.gettempdir()) if into is None else into
    if into is not None:
        _make_folder(into)
    stamp = f"before-restore-{now:%Y-%m-%d-%H%M%S}"
    with _workshop(where) as folder, _unpacked(file, folder) as manifest:
        written = (folder / _CONFIGURATION).read_bytes()
        settings, configuration = _configuration(folder, present, into)
        address = store_address(settings)
        place = copies.file_of(address)
        if copies.in_use(address):
            raise Halt(
                f"Another program has the store {place} open: stop the service (and wait for any run to end), then restore again. Nothing was changed."
            )
        aside: list[Path] = []
        if place is None:
            let_go = copies.make_ready(folder / _STORE, now)
            copies.fill(address, folder / _STORE)
        else:
            let_go = _put_store(folder / _STORE, place, stamp, now, aside)
        differs = into is None and configuration.read_bytes() != written
        if into is not None:
            _put(folder / _CONFIGURATION, configuration, stamp, aside)
        copied = copies.Copy(manifest["schema"], manifest["people"], manifest["runs"])
        shown = str(place) if place is not None else "the PostgreSQL database of [store] url"
        beside = tuple(manifest["beside"])
        return Restored(
            shown, configuration, copied, manifest["made"], manifest["machine"], let_go, tuple(aside), beside, differs
        )


def _configuration(folder: Path, present: Path | None, into: Path | None) -> tuple[Settings, Path]:
    """The configuration that says where the store goes, and where it is itself."""
    if into is None:
        if present is None:
            raise Halt("There is no configuration here that says where the store goes. Name a folder: --into DIR")
        return load(present), present
    # Paths are taken from the folder of the file, so it is read where it will stand.
    trial = into / f".{folder.name}.toml"
    shutil.copyfile(folder / _CONFIGURATION, trial)
    try:
        return load(trial), into / _CONFIGURATION
    finally:
        trial.unlink()


def _put_store(copy: Path, place: Path, stamp: str, now: datetime, aside: list[Path]) -> copies.LetGo:
    """The store in its place, in one step: until then the old one is there, and afterwards the new one."""
    if not place.parent.is_dir():
        raise Halt(f"The folder of the store, {place.parent}, is not there. Make it, then restore again.")
    near = place.with_name(f".{place.name}.{stamp}.part")
    try:
        shutil.copyfile(copy, near)
        let_go = copies.make_ready(near, now)
        # Of a damaged store something may be left beside the file; the new one must not take it for its own.
        remains = (place.with_name(f"{place.name}{each}") for each in ("-wal", "-shm", "-journal"))
        aside += [each.rename(each.with_name(f"{each.name}.{stamp}")) for each in remains if each.exists()]
        _put(near, place, stamp, aside)
    except OSError as failure:
        raise Halt(f"{place} cannot be written: {failure.strerror}. What was there is untouched.") from None
    finally:
        near.unlink(missing_ok=True)
    return let_go


def _put(new: Path, place: Path, stamp: str, aside: list[Path]) -> None:
    """`new` as `place`; what was there is kept under a name that says when, with its owner and rights given to the new one."""
    like = place if place.exists() else place.parent
    if place.exists():
        kept = place.with_name(f"{place.name}.{stamp}")
        shutil.copy2(place, kept)
        give(kept, like.stat())
        aside.append(kept)
    near = place.with_name(f".{place.name}.{stamp}.new")
    shutil.copyfile(new, near)
    near.chmod(like.stat().st_mode & 0o666 if like is place else 0o640)
    give(near, like.stat())
    with near.open("rb+") as stream:
        os.fsync(stream.fileno())
    near.replace(place)


@contextmanager
def _made_anew(file: Path) -> Iterator[Any]:
    """A new file that only its owner may read; it is gone again when the block fails."""
    try:
        number = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        raise Halt(f"{file} is already there, and no backup is written over a file. Choose another name.") from None
    except OSError as failure:
        raise Halt(f"{file} cannot be written: {failure.strerror}.") from None
    try:
        with os.fdopen(number, "wb+") as stream:
            yield stream
    except BaseException as failure:
        with suppress(OSError):
            file.unlink()
        if isinstance(failure, OSError):
            raise Halt(f"{file} cannot be written: {failure.strerror}. No backup was made.") from None
        raise


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A folder to work in, near the result, so that a full disk is noticed where it matters; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="onroll-", dir=folder, ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def _unpacked(file: Path, folder: Path) -> Iterator[Mapping[str, Any]]:
    """The members of a backup in `folder`, each as its manifest says, and the store opened and looked over."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = json.loads(archive.read(_MANIFEST))
            if manifest.get("onroll_backup") != FORMAT:
                raise Halt(
                    f"{file} was made by a newer onroll ({manifest.get('version')}). Install that version to restore it."
                )
            for name in (_CONFIGURATION, _STORE):
                with archive.open(name) as packed, (folder / name).open("wb") as plain:
                    shutil.copyfileobj(packed, plain)
    except FileNotFoundError:
        raise Halt(f"There is no file {file}.") from None
    except OSError as failure:
        raise Halt(f"{file} cannot be unpacked in {folder.parent}: {failure.strerror}.") from None
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, AttributeError):
        raise Halt(f"{file} is not a whole backup of onroll's. Take another one.") from None
    for name, digest in manifest["files"].items():
        if name not in (_CONFIGURATION, _STORE) or _digest(folder / name) != digest:
            raise Halt(f"{file} is damaged: {name} in it is not what was put there. Take another one.")
    copies.examine(folder / _STORE)
    yield manifest


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise Halt(f"The folder {folder} cannot be made: {failure.strerror}.") from None


def _beside(told: Any, path: str = "") -> list[str]:
    """Files and secrets that the configuration names: they are in no backup, and another machine needs them too."""
    if isinstance(told, Mapping):
        return [each for key, value in told.items() for each in _beside(value, f"{path}.{key}" if path else str(key))]
    if isinstance(told, list):
        return [each for value in told for each in _beside(value, path)]
    key = path.rpartition(".")[2]
    if isinstance(told, str) and (told.startswith(("env:", "file:", "credential:")) or key in _FILES):
        return [f"{path} = {told}"]
    return []
