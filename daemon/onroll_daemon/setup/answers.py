"""What has been answered so far: the tables of the onroll.toml that is to be, from a file of answers, from a person, or found by looking."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from onroll_daemon.mistakes import Misconfigured

Path_ = tuple[str, ...]


class Asker(Protocol):
    """Somebody who can be asked."""

    def text(self, question: str, default: str | None, choices: Sequence[str] = (), wrong: Wrong | None = None) -> str:
        """A text; one of `choices` where there are any. `wrong` says in a sentence what is wrong with an answer, and it is asked again."""
        ...

    def yes(self, question: str, default: bool) -> bool:
        """Yes or no."""
        ...

    def secret(self, question: str, name: str) -> str:
        """Where a secret is: typed ones are kept under `name`."""
        ...

    def file(self, question: str) -> str:
        """Where a secret in a file is, as file:PATH."""
        ...


Wrong = Callable[[str], str | None]


@dataclass(slots=True)
class Answers:
    """`told` are tables as TOML has them, but with the one school as a table; `asker` None means that nobody is there to ask.

    `settled` are those that somebody said or looked up; what is only a default of onroll's own is never among them.
    """

    told: dict[str, Any] = field(default_factory=dict)
    asker: Asker | None = None
    missing: list[str] = field(default_factory=list)

    def get(self, *path: str) -> Any:
        """What is told under a path of keys, or None."""
        found: Any = self.told
        for each in path:
            found = found.get(each) if isinstance(found, Mapping) else None
        return found

    def put(self, value: Any, *path: str) -> None:
        """Tell it, in place of what was told before."""
        table = self.told
        for each in path[:-1]:
            table = table.setdefault(each, {})
        table[path[-1]] = value

    def text(
        self,
        path: Path_,
        question: str,
        default: str | None = None,
        choices: Sequence[str] = (),
        wrong: Wrong | None = None,
        needed: bool = True,
    ) -> str | None:
        """A text under `path`: as it was told, else asked for, else the default. Where there is none and it is needed, it is noted as missing."""
        known = self.get(*path)
        if known is not None:
            return str(known)
        if self.asker is not None:
            found: str | None = self.asker.text(question, default if needed or default else "", choices, wrong)
        else:
            found = default
        if found:
            self.put(found, *path)
        elif needed:
            self.missing.append(_missing(path, question))
        return found or None

    def yes(self, path: Path_, question: str, default: bool) -> bool:
        """A yes or no under `path`."""
        known = self.get(*path)
        if isinstance(known, bool):
            return known
        found = self.asker.yes(question, default) if self.asker is not None else default
        self.put(found, *path)
        return found

    def secret(self, path: Path_, question: str, name: str, file: bool = False) -> str | None:
        """Where a secret is; there is no default for one."""
        known = self.get(*path)
        if known is not None:
            return str(known)
        if self.asker is None:
            self.missing.append(_missing(path, question))
            return None
        found = self.asker.file(question) if file else self.asker.secret(question, name)
        self.put(found, *path)
        return found

    def complete(self) -> None:
        """Raises Misconfigured with a sentence for everything that is needed and nobody told."""
        if self.missing:
            raise Misconfigured(self.missing)


def _missing(path: Path_, question: str) -> str:
    *tables, key = path
    return f"The answers do not say {key} of [{'.'.join(tables)}], and it could not be found by looking: {question[:1].lower()}{question[1:]}"


def read(path: Path) -> dict[str, Any]:
    """A file of answers: an onroll.toml in which anything may be left out. Raises Misconfigured with a sentence."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as failure:
        raise Misconfigured([f"{path} cannot be read: {failure.strerror}."]) from None
    except UnicodeDecodeError:
        raise Misconfigured([f"{path} is not UTF-8. Save it with the encoding UTF-8."]) from None
    except tomllib.TOMLDecodeError as failure:
        raise Misconfigured([f"{path} cannot be understood: {failure}."]) from None
    schools = told.get("school", {})
    if isinstance(schools, list):
        if len(schools) != 1:
            raise Misconfigured([f"{path} has {len(schools)} schools. Set up one, and add the others to onroll.toml."])
        told["school"] = schools[0]
    for name in ("school", "targets"):
        if not isinstance(told.get(name, {}), dict):
            raise Misconfigured([f"{path}: {name} has to be a table of keys and values."])
    for name, table in told.get("targets", {}).items():
        if not isinstance(table, dict):
            raise Misconfigured([f"{path}: targets.{name} has to be a table of keys and values."])
    return told
