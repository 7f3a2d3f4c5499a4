"""Every mistake in onroll.toml as a sentence: file, line, key, what is wrong, and the nearest key that there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from onroll_daemon.toml_lines import Spot, nearest

Model = TypeVar("Model", bound=BaseModel)


class Misconfigured(Exception):
    """The configuration cannot be used; `sentences` name file, key and what to do. The start stops with exit code 2."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = list(sentences)
        super().__init__("\n".join(self.sentences))


class Mistakes:
    """Gathers what is wrong with one file. A spot is a path of keys, with positions (from 0) in arrays of tables."""

    def __init__(self, path: Path, lines: Mapping[Spot, int], names: Mapping[Spot, str]) -> None:
        self._path, self._lines, self._names = path, lines, names
        self.sentences: list[str] = []

    def say(self, spot: Spot, sentence: str, near: bool = True) -> None:
        """Note one mistake at `spot`."""
        line = nearest(spot, self._lines) if near else None
        place = f"{self._path}, line {line}" if line else str(self._path)
        key = ".".join(part for part in spot if isinstance(part, str))
        whose = next((name for start, name in self._names.items() if spot[: len(start)] == start), "")
        told = " ".join(filter(None, (key, f"(of {whose})" if whose else "")))
        self.sentences.append(f"{place}: {told}: {sentence}" if told else f"{place}: {sentence}")

    def model(self, model: type[Model], told: Any, spot: Spot, more: Iterable[str] = ()) -> Model | None:
        """`told` as a model, or None with a sentence for each mistake; `more` are keys known here that are not the model's."""
        try:
            return model.model_validate(told)
        except ValidationError as failure:
            for inner, sentence in _sentences(failure, model, tuple(more)).items():
                self.say((*spot, *inner), sentence)
            return None


def suggestion(given: str, known: Iterable[str]) -> str:
    """The nearest of `known` as a question; all of them where none is near."""
    names = sorted(known)
    near = get_close_matches(given, names, n=1, cutoff=0.55)
    if near:
        return f"Did you mean {near[0]}?"
    return f"It may be one of: {', '.join(names)}." if names else "There is none at all."


def _sentences(failure: ValidationError, model: type[BaseModel], more: tuple[str, ...]) -> dict[Spot, str]:
    found: dict[Spot, str] = {}
    for error in failure.errors(include_url=False, include_input=False):
        # A value of several kinds is reported once for each; pydantic puts words with brackets in the path then.
        spot = tuple(part for part in error["loc"] if isinstance(part, int) or not any(each in part for each in "[(:"))
        if error["type"] == "is_instance_of" or (spot in found and error["type"] != "value_error"):
            continue
        found[spot] = _sentence(error["type"], str(error["msg"]), error.get("ctx", {}), spot, model, more)
    return found or {(): f"cannot be understood: {failure.errors(include_url=False, include_input=False)[0]['msg']}."}


_TYPES = {
    "string_type": 'has to be a text in quotation marks, as "this"',
    "int_type": "has to be a whole number without quotation marks",
    "float_type": "has to be a number without quotation marks",
    "bool_type": "has to be true or false, without quotation marks",
    "list_type": 'has to be a list, as ["one", "two"]',
    "dict_type": "has to be a table of keys and values",
    "model_type": "has to be a table of keys and values",
    "model_attributes_type": "has to be a table of keys and values",
}


def _sentence(
    kind: str, words: str, told: Mapping[str, Any], spot: Spot, model: type[BaseModel], more: tuple[str, ...]
) -> str:
    if kind == "extra_forbidden":
        known = [*_keys(model, spot[:-1]), *(more if len(spot) == 1 else ())]
        return f"there is no such key. {suggestion(str(spot[-1]), known)}"
    if kind == "missing":
        return "is missing, and onroll cannot run without it."
    if kind in _TYPES:
        return f"{_TYPES[kind]}."
    if kind in ("literal_error", "enum"):
        return f"has to be {str(told.get('expected', '')).replace(chr(39), chr(34))}."
    bounds = {
        "greater_than_equal": ("ge", "at least"),
        "less_than_equal": ("le", "at most"),
        "greater_than": ("gt", "more than"),
    }
    if kind in bounds:
        name, said = bounds[kind]
        return f"has to be {said} {told[name]:g}."
    plain = words.removeprefix("Value error, ")
    return plain if plain.endswith((".", "?", "!")) else f"{plain}."


def _keys(model: type[BaseModel], spot: Spot) -> list[str]:
    """The keys known at a place inside a model."""
    current: type[BaseModel] = model
    for part in spot:
        field = current.model_fields.get(str(part))
        kinds = () if field is None else (field.annotation, *get_args(field.annotation))
        inner = [each for each in kinds if isinstance(each, type) and issubclass(each, BaseModel)]
        if isinstance(part, str):
            if not inner:
                return []
            current = inner[0]
    return list(current.model_fields)
