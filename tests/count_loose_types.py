"""Count where a room leaves the types: ``python tests/count_loose_types.py [--list] [FOLDER]``.

Printed are the look-ups by string key (``x["name"]`` and ``x.get("name")``, read or written) and
how often ``Any``, ``object``, ``cast`` and ``type: ignore`` stand in the code. A look-up is left
out where mypy knows that it is none of a dict: of a table (pandas, geopandas, pyarrow), a dataset
or array (xarray, zarr, NumPy), their ``attrs``, the ``attrib`` of XML, the environment, an address
or a header of HTTP (fastapi, starlette), or ``scope`` and ``message`` of a call of ASGI.
"""

import argparse
import ast
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from mypy import build, types
from mypy.find_sources import create_source_list
from mypy.fscache import FileSystemCache
from mypy.main import process_options

ROOT = Path(__file__).resolve().parent.parent
NO_DICTS = {
    *("pandas", "pyarrow", "xarray", "zarr", "numpy", "os", "geopandas", "gpd", "pd", "xr"),
    *("fastapi", "starlette"),
}
LIMITS = {"look-ups": 100, "Any": 60, "object": 8, "cast": 0, "type: ignore": 1}
"""The most that `pipelines` may have of each kind."""


def is_no_dict(found: types.Type | None) -> bool:
    """Say whether mypy knows that a value is a table, a dataset, an array or the environment."""
    found = types.get_proper_type(found)
    if isinstance(found, types.TypeVarType):
        found = types.get_proper_type(found.upper_bound)
    if isinstance(found, types.UnionType):
        found = types.get_proper_type(found.items[0])
    if isinstance(found, types.AnyType):  # of a library without types: the name it is imported by
        origin = found.source_any or found
        name = origin.missing_import_name or found.missing_import_name or ""
        return name.rpartition(".")[2] in NO_DICTS
    return isinstance(found, types.Instance) and found.type.fullname.split(".")[0] in NO_DICTS


def key_look_ups(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield what is looked into, for each look-up by string key of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            base, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            base, key = node.func.value, node.args[0]
            if node.func.attr not in {"get", "pop", "setdefault"}:
                continue
        else:
            continue
        attrs = isinstance(base, ast.Attribute) and base.attr in {"attrs", "attrib"}
        attrs = attrs or (isinstance(base, ast.Name) and base.id in {"scope", "message"})
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and not attrs:
            yield base


def python_files(folder: Path) -> list[Path]:
    """List the modules below a folder of the project, by name."""
    return sorted(folder.rglob("*.py"))


def look_ups(folder: Path) -> dict[Path, list[int]]:
    """Give the lines of look-ups by string key, for every module below `folder`."""
    fscache = FileSystemCache()
    _, options = process_options([str(folder)], fscache=fscache, stdout=sys.stderr)
    options.incremental, options.export_types = False, True
    options.per_module_options["mlflow.*"] = {"follow_imports": "skip"}
    sources = create_source_list([str(folder)], options, fscache)
    done = build.build(sources, options, fscache=fscache)
    known = defaultdict(
        list
    )  # mypy forgets of which file a place is, but not the name that stands there
    for node, kind in done.types.items():
        name = getattr(node, "name", "")
        known[name, node.line, node.column, node.end_line, node.end_column].append(kind)
    found = {}
    for source in sources:
        path = Path(str(source.path))
        places = [place_of(base) for base in key_look_ups(ast.parse(path.read_text("utf-8")))]
        found[path] = [
            place[1]
            for place in places
            if not (known[place] and all(is_no_dict(kind) for kind in known[place]))
        ]
    return found


def place_of(node: ast.expr) -> tuple[str, int, int, int | None, int | None]:
    """Give where an expression stands, and its last name."""
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return name, node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def loose_words(path: Path) -> Iterator[str]:
    """Yield each use of `Any`, `object`, `cast` and ``type: ignore`` in a module."""
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and node.id in {"Any", "object"}:
            yield node.id
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "cast":
            yield "cast"
    for _ in re.finditer(r"#\s*type:\s*ignore", text):
        yield "type: ignore"


def count(folder: Path) -> tuple[Counter[str], dict[Path, Counter[str]]]:
    """Count every kind below a folder, altogether and a module."""
    a_module = {path: Counter(loose_words(path)) for path in python_files(folder)}
    for path, lines in look_ups(folder).items():
        a_module[ROOT / path]["look-ups"] = len(lines)
    return sum(a_module.values(), Counter()), a_module


def main() -> int:
    """Print the counts; the exit code is 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="pipelines", type=Path)
    parser.add_argument("--list", action="store_true", help="a line for each module")
    asked = parser.parse_args()
    os.chdir(ROOT)
    total, a_module = count(ROOT / asked.folder)
    if asked.list:
        for path, found in sorted(a_module.items(), key=lambda item: -item[1]["look-ups"]):
            words = "  ".join(f"{found[kind]:5}" for kind in LIMITS)
            sys.stdout.write(f"{words}  {path.relative_to(ROOT)}\n")
    for kind, most in LIMITS.items():
        sys.stdout.write(f"{kind}: {total[kind]} (at most {most})\n")
    return 1 if any(total[kind] > most for kind, most in LIMITS.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
