"""Words of other people's files, without characters that steer what shows them.

An escape sequence in a column name colours a terminal or hides a line; a direction override turns
a file name round; a line break forges a second message. Words are freed of them once, where a file
is read, so that terminal, README, pages, map projects and KML need not care.
"""

import re

# Zero-width joiner and non-joiner stay: Persian, Arabic and Indic scripts are spelled with them.
_STEERING = re.compile(
    "[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HALVES = re.compile("[\ud800-\udfff]")


def plain_text(text: str) -> str:
    r"""Return text without control, escape and direction characters.

    Control characters and breaks of lines become one space, characters without width or that turn
    the direction of writing are left out, and bytes that were no text become U+FFFD.

    Examples
    --------
    >>> plain_text("red\x1b[31m\nline")
    'red [31m line'
    >>> plain_text("a\u202egpj.tif")
    'agpj.tif'
    """
    if text.isascii() and text.isprintable():
        return text
    return _HALVES.sub("\ufffd", _BREAKS.sub(" ", _STEERING.sub("", text)))


def plain_value(value: object) -> object:
    """Return what a template is filled with, its words plain; marked-up text was made of such."""
    return plain_message(value) if type(value) is str else value


def plain_message(message: str) -> str:
    """Return a message of several lines, each of them plain."""
    return "\n".join(map(plain_text, message.split("\n")))
