"""Read a study area's YAML: one clear line for each thing that is wrong with it."""

import difflib
import os
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic
import yaml

from minerisk.configs.feature_kinds import Feature
from minerisk.configs.schema import Config
from minerisk.plain_text import plain_text

MAX_BYTES = 1_000_000
_FEATURE: pydantic.TypeAdapter[Feature] = pydantic.TypeAdapter(Feature)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class ConfigError(ValueError):
    """A configuration that cannot be used; its text has one line for each problem."""


def load_config(path: Path) -> Config:
    """Read, check and freeze the configuration of a study area.

    Raises
    ------
    ConfigError
        If the file is missing, larger than 1 MB, not YAML, or does not fit the schema. One line
        for each problem says where it is, what came and what was expected.
    """
    path = Path(path)
    return parse_config(_read(path), source=path)


def parse_config(content: bytes, *, source: Path) -> Config:
    """Check and freeze the configuration in the bytes of a file; see `load_config`."""
    path = source
    content = _parse(path, _text(path, content))
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a mapping with study_area, layers and others.")
    try:
        return Config.model_validate(content)
    except pydantic.ValidationError as error:
        lines = _lines([dict(problem) for problem in error.errors(include_url=False)])
        raise ConfigError("\n".join(f"{path}: {line}" for line in lines)) from None


def read_feature(asked: Mapping[str, Any]) -> Feature:
    """Check and freeze one entry of the list ``features``.

    Raises
    ------
    ConfigError
        If its kind is not known, or a setting is wrong.
    """
    try:
        return _FEATURE.validate_python(dict(asked))
    except pydantic.ValidationError as error:
        problems: list[dict[str, Any]] = [dict(one) for one in error.errors(include_url=False)]
        placed = [one | {"loc": ("features", 0) + tuple(one["loc"])} for one in problems]
        lines = [line.removeprefix("features.0").lstrip(".: ") for line in _lines(placed)]
        raise ConfigError("\n".join(f"the feature: {line}" for line in lines)) from None


def data_root(config: Config, path: Path) -> Path:
    """Return the folder of the layers: ``${NAME}`` read from the environment, then resolved.

    Parameters
    ----------
    config
        The configuration.
    path
        Its file; a relative data root is relative to the file's folder.

    Raises
    ------
    ConfigError
        If a variable is not set, or the folder does not exist.
    """
    text = config.data_root
    for name in _VARIABLE.findall(text):
        value = os.environ.get(name)
        if not value:
            raise ConfigError(
                f"{path}: data_root is {text}, but the environment variable {name} is not set. "
                f"Set it to the folder of the data: export {name}=/path/to/data"
            )
        text = text.replace(f"${{{name}}}", value)
    root = (Path(path).resolve().parent / text).resolve()
    if not root.is_dir():
        raise ConfigError(f"{path}: data_root {root} is not a folder. Check data_root.")
    return root


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file. Check the path.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from None


def _text(path: Path, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES:,} bytes; expected a short YAML.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not a text file in UTF-8; expected YAML.") from None


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice, and aliases, which can swell without end.

    Words lose the characters that steer what shows them.
    """

    def construct_scalar(self, node: Any) -> Any:
        value = super().construct_scalar(node)
        return plain_text(value) if isinstance(value, str) else value

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.get_event()  # type: ignore[no-untyped-call]
            mark = event.start_mark
            raise yaml.constructor.ConstructorError(None, None, "aliases are not taken", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag == "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _parse(path: Path, text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ConfigError(f"{path}: {place}not YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {str(error).splitlines()[0]}.") from None
    except ValueError as error:  # a day that there is not, a number too long
        raise ConfigError(f"{path}: a value cannot be read: {error}.") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply; expected a short YAML.") from None


def _lines(problems: list[dict[str, Any]]) -> list[str]:
    return [_line(problem) for problem in problems if not _follows(problem, problems)]


def _follows(problem: dict[str, Any], problems: list[dict[str, Any]]) -> bool:
    """Return whether a problem only follows from one deeper inside: a list lacks its bad item."""
    place = problem["loc"]
    return problem["type"] == "too_short" and any(
        other["loc"][: len(place)] == place and other is not problem for other in problems
    )


def _line(problem: dict[str, Any]) -> str:
    where = list(problem["loc"])
    kind = problem["type"]
    place = ".".join(str(part) for part in _without_tags(where)) or "the file"
    if kind == "extra_forbidden":
        known = sorted(_keys_at(where[:-1]))
        close = difflib.get_close_matches(str(where[-1]), known, n=1, cutoff=0.6)
        hint = f"did you mean {close[0]!r}?" if close else f"expected one of: {', '.join(known)}."
        return f"{place}: unknown key; {hint}"
    if kind == "missing":
        return f"{place}: missing; add it."
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return f"{place}: {_tag_words(problem)}"
    shown = repr(problem.get("input"))
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    message = problem["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{place}: got {shown}; {message}."


def _tag_words(problem: dict[str, Any]) -> str:
    context = problem.get("ctx", {})
    if problem["type"] == "union_tag_not_found":
        return "lacks its kind; add kind, such as kind: vector for a layer."
    tag, expected = str(context.get("tag", "")), str(context.get("expected_tags", ""))
    close = difflib.get_close_matches(tag, re.findall(r"'([^']+)'", expected), n=1, cutoff=0.6)
    hint = f"did you mean {close[0]!r}?" if close else f"expected one of: {expected}."
    return f"kind is {tag!r}; {hint}"


def _without_tags(where: list[Any]) -> Iterator[Any]:
    """Leave out the discriminator that pydantic puts after a union's place."""
    for index, part in enumerate(where):
        before = where[index - 1] if index else None
        in_list = isinstance(before, int) and where[:1] == ["features"]
        in_layers = index == 2 and where[0] == "layers" and part in ("raster", "vector")
        if not ((in_list and index == 2) or in_layers):
            yield part


def _keys_at(where: list[Any]) -> set[str]:
    """Find the keys that the schema knows at a place."""
    models = [Config] if not where else _models_at(Config, list(_without_tags(where)))
    tags = {part for part in where if isinstance(part, str)}
    if len(models) > 1:
        models = [m for m in models if _kind(m) in tags] or models
    return {name for model in models for name in model.model_fields}


def _kind(model: type[pydantic.BaseModel]) -> Any:
    field = model.model_fields.get("kind")
    return None if field is None else field.default


def _models_at(model: type[pydantic.BaseModel], where: list[Any]) -> list[Any]:
    found: list[Any] = [model]
    for part in where:
        if isinstance(part, int):
            continue
        following: list[Any] = []
        for candidate in found:
            field = candidate.model_fields.get(part)
            following += list(_models_in(field.annotation)) if field else []
        found = following or found
    return found


def _models_in(annotation: Any) -> Iterator[Any]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, pydantic.BaseModel):
            yield annotation
        return
    for argument in typing.get_args(annotation):
        yield from _models_in(argument)
