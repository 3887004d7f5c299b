"""What a GeoPackage may contain: tables that hold data, and nothing that runs or reaches out.

GDAL comes with SpatiaLite, whose virtual tables read any file of the machine, and SQL functions
that call the network. A view, a virtual table or a generated column runs them when it is read. So
the schema is judged as text, before GDAL sees the file and without running any of it.
"""

import contextlib
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from minerisk.features.errors import InputError

MAX_ENTRIES = 5_000
MAX_SCHEMA_BYTES = 4 * 1024**2
_CLONE = 0x40049409  # FICLONE of Linux

_TOKEN = re.compile(
    r"""\s+|--[^\n]*(?:\n|$)|/\*.*?(?:\*/|$)
    |(?P<text>[xX]?'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<word>[^\W\d][\w$]*)
    |(?P<number>\d[\w.]*(?:(?<=[eE])[+-]\d+)?|\.\d+\w*)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_FUNCTIONS = frozenset(
    """
    abs avg cast ceil ceiling coalesce concat concat_ws count current_date current_time
    current_timestamp date datetime floor format glob hex ifnull iif instr julianday length like
    likelihood likely lower ltrim max min mod nullif octet_length pow power printf quote raise
    replace round rtrim sign sqrt strftime substr substring sum time timediff total trim trunc
    typeof unicode unixepoch unlikely upper
    st_isempty st_minx st_maxx st_miny st_maxy gpkg_isassignable
    """.split()  # noqa: SIM905
)
"""Functions of SQL that only compute, and those in the triggers that GDAL itself writes."""
_NO_FUNCTIONS = frozenset(
    """
    all and any as between by case check collate conflict default delete distinct do else end
    escape except exists filter foreign from generated glob group having if in insert intersect
    into is isnull join key like limit match not notnull of offset on or order over primary
    references regexp returning select set table then union unique update using values when
    where with
    """.split()  # noqa: SIM905
)
"""Words that may stand before a bracket and call nothing."""


def plainly_named(name: str) -> str:
    """Return a name without the signs by which pyogrio cuts it: ``!`` of archives, and ``;``."""
    return name.replace("!", "_").replace(";", "_")


@contextlib.contextmanager
def private_copy(path: Path) -> Iterator[Path]:
    """Copy a GeoPackage to a folder that only this user may enter; it goes when it was read.

    Whoever may write where the file lies cannot change it between check and reading, and SQLite
    finds no journal beside it. A file system that can share blocks copies nothing.
    """
    with tempfile.TemporaryDirectory(prefix="minerisk-") as folder:
        copy = Path(folder) / plainly_named(path.name)
        try:
            _copy(path, copy)
        except OSError as error:
            raise InputError(
                f"{path.name} cannot be copied to {folder} to be checked: {error.strerror}. Make "
                "room there, or set TMPDIR to a folder with room."
            ) from error
        yield copy


def _copy(path: Path, copy: Path) -> None:
    with path.open("rb") as source, copy.open("xb") as target:
        if sys.platform == "linux":
            import fcntl

            with contextlib.suppress(OSError):
                fcntl.ioctl(target.fileno(), _CLONE, source.fileno())
                return
        shutil.copyfileobj(source, target, 4 * 1024**2)


def check_geopackage(path: Path) -> frozenset[str]:
    """Refuse a GeoPackage whose schema could do something, and name its tables in lower case.

    Parameters
    ----------
    path
        A private copy.

    Raises
    ------
    InputError
        If it is damaged, or holds a view, a virtual table other than an R-tree, or an expression
        with a function that does more than compute.
    """
    tables = set()
    for kind, name, sql in _entries(path):
        if sql is None and kind == "index":  # of a primary key or UNIQUE
            continue
        tokens = _tokens(sql or "")
        what = _declared(tokens)
        if what in ("", "view") or what.removeprefix("virtual ") != kind:
            word = what or f"{kind} without a schema"
            raise InputError(
                f"{path.name}: {name} is a {word}, which is not read. Export the layers you need "
                "as tables to a new GeoPackage."
            )
        if what == "virtual table" and not _is_rtree(tokens):
            raise _reaches_out(path, name, "is a virtual table, which may read other files")
        if what == "table":
            tables.add(name.lower())
        _check_functions(path, name, tokens, everywhere=what in ("trigger", "index"))
    return frozenset(tables)


def _entries(path: Path) -> list[tuple[str, str, str | None]]:
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
            database.text_factory = lambda held: held.decode("utf-8", "replace")
            for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
                database.execute(f"PRAGMA {pragma}")
            rows = database.execute(
                "SELECT type, name, sql FROM sqlite_master LIMIT ?", (MAX_ENTRIES + 1,)
            ).fetchall()
    except (sqlite3.Error, MemoryError) as error:
        raise InputError(
            f"{path.name} is a damaged GeoPackage: {error}. Export it again."
        ) from error
    size = sum(len(sql) for *_, sql in rows if isinstance(sql, str))
    if len(rows) > MAX_ENTRIES or size > MAX_SCHEMA_BYTES:
        raise InputError(
            f"{path.name} holds more than {MAX_ENTRIES:,} tables and indexes, or their schema is "
            f"larger than {MAX_SCHEMA_BYTES:,} bytes. Export the layers you need to a new one."
        )
    entries: list[tuple[str, str, str | None]] = []
    for kind, name, sql in rows:
        if not (isinstance(kind, str) and isinstance(name, str) and isinstance(sql, str | None)):
            raise InputError(f"{path.name} is a damaged GeoPackage: its schema is no text.")
        entries.append((kind, name, sql))
    return entries


Token = tuple[str, str]


def _tokens(sql: str) -> list[Token]:
    """Part SQL into kinds and words in lower case, without comments and spaces."""
    return [
        (found.lastgroup, found.group().lower())
        for found in _TOKEN.finditer(sql)
        if found.lastgroup is not None
    ]


def _declared(tokens: list[Token]) -> str:
    """Name what a statement creates, from its words and not from what the file says it is."""
    words = [value for kind, value in tokens[:8] if kind == "word"]
    if words[:1] != ["create"]:
        return ""
    words = [word for word in words[1:] if word not in ("temp", "temporary", "unique")]
    if words[:2] == ["virtual", "table"]:
        return "virtual table"
    return words[0] if words and words[0] in ("table", "index", "view", "trigger") else ""


def _is_rtree(tokens: list[Token]) -> bool:
    """Return whether a virtual table is an R-tree over plain columns."""
    values = [value for _, value in tokens]
    if "using" not in values:
        return False
    module, *rest = tokens[values.index("using") + 1 :]
    plain = all(
        kind in ("word", "quoted") or value in ("(", ",", ")", ";", "+") for kind, value in rest
    )
    return module[1].strip("\"`[]'") in ("rtree", "rtree_i32") and plain


def _check_functions(path: Path, name: str, tokens: list[Token], *, everywhere: bool) -> None:
    """Refuse calls of functions that are not known to do nothing but compute.

    Parameters
    ----------
    everywhere
        Whether every bracket may call something; in a table only those of its expressions.
    """
    depth, within = 0, 0
    for place, (kind, value) in enumerate(tokens):
        before = tokens[place - 1] if place else ("", "")
        if kind == "sign" and value == "(":
            depth += 1
            if not within and before[1] in ("check", "default", "as") and before[0] == "word":
                within = depth
            if within or everywhere:
                _check_call(path, name, tokens[:place], everywhere=everywhere)
        elif kind == "sign" and value == ")":
            within = 0 if depth == within else within
            depth -= 1
        elif kind == "word" and value in ("select", "pragma", "attach") and not everywhere:
            raise _reaches_out(path, name, f"has {value.upper()} in its definition")


def _check_call(path: Path, name: str, before: list[Token], *, everywhere: bool) -> None:
    """Judge the word before a bracket in an expression."""
    kind, value = before[-1] if before else ("", "")
    if kind not in ("word", "quoted", "text") or (kind == "word" and value in _NO_FUNCTIONS):
        return
    called = value.strip("\"`[]'")
    # The name of a table before its columns: ON table (…), INTO table (…).
    earlier = [word for _, word in before[-4:-1]]
    if everywhere and earlier[-1:] in (["on"], ["into"]):
        return
    if called not in _FUNCTIONS:
        raise _reaches_out(path, name, f"calls the function {called[:80]}")


def _reaches_out(path: Path, name: str, why: str) -> InputError:
    return InputError(
        f"{path.name}: {name} {why}; such a GeoPackage is not read. Export the layers you need "
        "to a new one."
    )
