"""Changes to a file of a run, drawn from a seed: of bytes, of JSON, of the file as a whole."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

ODD = (
    None, True, False, 0, -1, 2**63, 10**500, 1e308, -1e308, 5e-324, "", "\x00", "../x",
    "a" * 5_000, [], {}, [[]], "approved", "e" * 64, "NaN",
)  # fmt: skip
BROKEN = (
    b"", b"{", b"[" * 100_000, b'{"a":' * 50_000, b"NaN", b'{"schema_version": 3}', b"\xff\xfe",
    b"null", b"1e999", b"\x00" * 64, b'{"schema_version": ' + b"9" * 5_000 + b"}",
)  # fmt: skip

Change = Callable[[random.Random, Path], str]


def change(rng: random.Random, path: Path, others: list[Path]) -> str:
    """Change a file of a run in one way, and name the way."""
    if path.suffix in {".json", ".jsonl"} and rng.random() < 0.6:
        return _json(rng, path)
    ways: list[tuple[float, Change]] = [
        (8, _bits), (4, _cut), (4, _insert), (3, _repeat), (2, _swap), (1, _whole), (1, _gone),
        (1, _link), (1, lambda rng, path: _other(rng, path, others)), (1, _beside),
    ]  # fmt: skip
    (way,) = rng.choices([way for _, way in ways], [weight for weight, _ in ways])
    return way(rng, path)


def _bits(rng: random.Random, path: Path) -> str:
    content = bytearray(path.read_bytes() or b"\x00")
    for _ in range(rng.choice((1, 1, 1, 2, 8, 64))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(bytes(content))
    return "bits turned"


def _cut(rng: random.Random, path: Path) -> str:
    content = path.read_bytes()
    first = rng.randrange(len(content) + 1)
    last = rng.choice((len(content), min(len(content), first + rng.randrange(1, 200))))
    path.write_bytes(content[:first] + content[last:])
    return "bytes taken away"


def _insert(rng: random.Random, path: Path) -> str:
    content = path.read_bytes()
    at = rng.randrange(len(content) + 1)
    more = rng.choice((b"\n", b" ", b"\x00", b'"', b"{", rng.randbytes(rng.randrange(1, 300))))
    path.write_bytes(content[:at] + more + content[at:])
    return "bytes put in"


def _repeat(rng: random.Random, path: Path) -> str:
    content = path.read_bytes()
    first = rng.randrange(len(content) + 1)
    last = min(len(content), first + rng.randrange(1, 2_000))
    path.write_bytes(content[:last] + content[first:last] + content[last:])
    return "bytes repeated"


def _swap(rng: random.Random, path: Path) -> str:
    lines = path.read_bytes().split(b"\n")
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    path.write_bytes(b"\n".join(lines))
    return "lines exchanged"


def _whole(rng: random.Random, path: Path) -> str:
    path.write_bytes(rng.choice(BROKEN))
    return "content replaced"


def _gone(rng: random.Random, path: Path) -> str:
    path.unlink()
    return "file removed"


def _link(rng: random.Random, path: Path) -> str:
    path.unlink()
    path.symlink_to(rng.choice(("/dev/zero", "/etc/hostname", "config.yaml", ".", "nowhere")))
    return "file made a link"


def _other(rng: random.Random, path: Path, others: list[Path]) -> str:
    path.write_bytes(rng.choice(others).read_bytes())
    return "file replaced by another"


def _beside(rng: random.Random, path: Path) -> str:
    path.with_name(f"{path.name}{rng.choice(('~', '.tif', '.json'))}").write_bytes(b"x")
    return "file put beside"


def _json(rng: random.Random, path: Path) -> str:
    """Change a value, a key or the order of a JSON document that otherwise stays whole."""
    lines = path.read_text("utf-8").splitlines() if path.suffix == ".jsonl" else []
    number = rng.randrange(len(lines)) if lines else 0
    found = json.loads(lines[number] if lines else path.read_bytes())
    places = list(_places(found))
    if not places:
        return _whole(rng, path)
    holder, key = rng.choice(places)
    way = _change_value(rng, holder, key, places)
    try:
        json.dumps(found)
    except (ValueError, RecursionError):  # a value was put into itself
        return _whole(rng, path)
    if lines:
        lines[number] = json.dumps(found, sort_keys=True, separators=(",", ":"))
        text = "\n".join(lines) + "\n"
    else:
        text = json.dumps(found, indent=1)
    path.write_text(text, "utf-8")
    return way


def _change_value(rng: random.Random, holder: Any, key: Any, places: list[tuple[Any, Any]]) -> str:
    way = rng.randrange(5)
    if way == 0:
        del holder[key]
        return "JSON value removed"
    if way == 1:
        other, place = rng.choice(places)
        holder[key], other[place] = other[place], holder[key]
        return "JSON values exchanged"
    if way == 2 and isinstance(holder, dict):
        holder[rng.choice(("x", "state", "head", ""))] = rng.choice(ODD)
        return "JSON key put in"
    if way == 3 and isinstance(holder[key], int | float):
        holder[key] = holder[key] * rng.choice((-1, 2, 1.0000001, 1e300)) + rng.choice((0, 1))
        return "JSON number changed"
    holder[key] = rng.choice(ODD)
    return "JSON value replaced"


def _places(found: Any) -> Any:
    """Name every value in a document by what holds it and its key there."""
    waiting = [found]
    while waiting:
        holder = waiting.pop()
        keys = holder.keys() if isinstance(holder, dict) else range(len(holder))
        for key in list(keys):
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
