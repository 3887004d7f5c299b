"""In which encoding the text of a shapefile or a CSV file is, however that is spelt."""

import codecs
import re
from pathlib import Path

from minerisk.features.errors import InputError

UTF8 = "utf-8"
# Of what Python can decode, the encodings of text in tables; `_codec` asks besides that ASCII is
# ASCII in them.
_OF_TABLES = re.compile(
    r"(ascii|utf-8|cp\d+|iso8859-\d+|koi8-|mac-|gb|big5|euc_|shift_jis|tis-620|kz1048|ptcp154)"
)
_ASCII = bytes(range(32, 127))
_BY_NUMBER = {
    **{20127: "ascii", 65001: UTF8, 20866: "koi8-r", 21866: "koi8-u", 10000: "mac-roman"},
    **{10006: "mac-greek", 10007: "mac-cyrillic", 10029: "mac-latin2", 10081: "mac-turkish"},
    **{51932: "euc_jp", 51936: "gb2312", 51949: "euc_kr", 54936: "gb18030"},
    **{28590 + part: f"iso8859-{part}" for part in range(1, 17) if part != 12},
    **{int(f"8859{part}"): f"iso8859-{part}" for part in range(1, 17) if part != 12},
}
_NUMBERED = re.compile(r"(?:ansi|oem|cp|codepage|windows|win|ms|ibm|dos|iso)?0*(\d+)")
# The byte for the language in the head of a .dbf, as dBase IV, FoxPro and ESRI have it. 0 and 87
# say no more than "that of the machine".
_BY_LANGUAGE_BYTE = {
    **dict.fromkeys((1, 9, 11, 13, 15, 17, 21, 24, 25, 27), 437),
    **dict.fromkeys((2, 10, 14, 16, 18, 20, 22, 26, 29, 37, 55), 850),
    **dict.fromkeys((3, 88, 89), 1252),
    **dict.fromkeys((8, 23, 102), 865),
    **dict.fromkeys((19, 123), 932),
    **dict.fromkeys((28, 108), 863),
    **dict.fromkeys((31, 34, 35, 64, 100, 135), 852),
    **dict.fromkeys((38, 101), 866),
    **dict.fromkeys((77, 122), 936),
    **dict.fromkeys((78, 121), 949),
    **dict.fromkeys((79, 120), 950),
    **dict.fromkeys((80, 124), 874),
    **dict.fromkeys((106, 134), 737),
    **dict.fromkeys((107, 136), 857),
    **{4: 10000, 36: 860, 103: 861, 150: 10007, 151: 10029, 152: 10006},
    **{200: 1250, 201: 1251, 202: 1254, 203: 1253, 204: 1257},
}
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_AT_ONCE = 1 << 20


def python_encoding(spelt: str) -> str | None:
    """Find the encoding that people mean by a spelling; None if it is not known.

    Examples
    --------
    >>> [python_encoding(text) for text in ("ANSI 1254", "windows-1251", "88595", "OEM 866")]
    ['cp1254', 'cp1251', 'iso8859-5', 'cp866']
    >>> python_encoding("as on the old computer")
    """
    text = spelt.strip("\ufeff\x00 \t\r\n").lower()
    plain = re.sub(r"[\s_-]+", "", text.removesuffix("bom")).replace("koi8", "koi8-")
    if numbered := _NUMBERED.fullmatch(plain):
        number = int(numbered[1])
        return _codec(_BY_NUMBER.get(number, f"cp{number}"))
    return _codec(re.sub(r"\s+", "-", text)) or _codec(plain)


def _codec(name: str) -> str | None:
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):  # ValueError: a null within the name
        return None
    if not _OF_TABLES.match(found) or _ASCII.decode(found, "replace") != _ASCII.decode("ascii"):
        return None
    return found


def shapefile_encoding(path: Path, cpg: Path | None, dbf: Path) -> str:
    """Find the encoding of a shapefile's text.

    It is what the ``.cpg`` says; without one, what the language byte of the ``.dbf`` says; and
    where neither says more than "that of the machine", UTF-8, which text in another encoding than
    ASCII practically never is by chance.

    Raises
    ------
    InputError
        If the ``.cpg`` names no encoding that is known, or nothing is said and the text is not
        UTF-8.
    """
    said = "" if cpg is None else _start(cpg, 64).decode("latin-1").strip("\x00 \t\r\n")
    if cpg is not None and said:
        named = python_encoding(said.removeprefix("ï»¿"))
        if named is None:
            raise InputError(
                f"{cpg.name} names the encoding {said[:40]!r}, which is not known. Write the true "
                "one into it, such as UTF-8, 1251 or 1254."
            )
        return named
    language = _start(dbf, 30)[29:]
    number = _BY_LANGUAGE_BYTE.get(language[0]) if language else None
    if number is not None:
        return _BY_NUMBER.get(number, f"cp{number}")
    if not _is_utf8(dbf):
        raise InputError(
            f"{path.name} does not say in which encoding its text is, and it is not UTF-8. Put a "
            f"text file {path.stem}.cpg beside it with the encoding, such as 1251 or 1254."
        )
    return UTF8


def text_encoding(path: Path) -> str:
    """Find the encoding of a text file: UTF-8, or what its byte order mark says."""
    head = _start(path, 4)
    return next((name for mark, name in _BYTE_ORDER_MARKS.items() if head.startswith(mark)), UTF8)


def _start(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.") from error


def _is_utf8(dbf: Path) -> bool:
    """Tell whether the records of a .dbf are UTF-8."""
    decoder = codecs.getincrementaldecoder(UTF8)()
    try:
        with dbf.open("rb") as file:
            file.seek(int.from_bytes(file.read(10)[8:], "little"))  # past the head
            while block := file.read(_AT_ONCE):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
