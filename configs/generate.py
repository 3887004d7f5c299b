"""Write `defaults.yaml` and `schema.json`: ``python -m minerisk.configs.generate``."""

import json
import logging
from pathlib import Path
from typing import Any, get_args

import pydantic
import yaml

from minerisk.configs import schema

logger = logging.getLogger(__name__)

_HEAD = """\
# Every default of a study area's configuration, made from configs/schema.py by
# `python -m minerisk.configs.generate`. Copy what you change; leave out what you do not.
# What has no default (study_area, layers, features, labels) is not listed.
"""
_SECTIONS = ("data_root", "folds", "model", "gates", "classes", "tasks", "tracking")
_KINDS = get_args(get_args(schema.Feature)[0])


def defaults_text() -> str:
    """Return the text of `defaults.yaml`."""
    fields = schema.Config.model_fields
    shown: dict[str, Any] = {name: _plain(fields[name].default) for name in _SECTIONS}
    shown["study_area"] = _defaults_of(schema.StudyArea)
    shown["raster_layer"] = _defaults_of(schema.RasterLayer)
    shown["vector_layer"] = _defaults_of(schema.VectorLayer)
    shown["features"] = {
        model.model_fields["kind"].default: _defaults_of(model) for model in _KINDS
    }
    shown["evidence"] = _defaults_of(schema.Evidence)
    shown["simulation"] = _defaults_of(schema.Simulation)
    return _HEAD + yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=100)


def schema_text() -> str:
    """Return the text of `schema.json`."""
    return json.dumps(schema.Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> list[Path]:
    """Write both files into a folder; return their paths."""
    made = {"defaults.yaml": defaults_text(), "schema.json": schema_text()}
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in made]


def _defaults_of(model: type[pydantic.BaseModel]) -> dict[str, Any]:
    return {
        name: _plain(field.get_default(call_default_factory=True))
        for name, field in model.model_fields.items()
        if not field.is_required() and name != "kind"
    }


def _plain(value: Any) -> Any:
    if isinstance(value, pydantic.BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for written in write(Path(__file__).resolve().parent):
        logger.info("%s", written)
