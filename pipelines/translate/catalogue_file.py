"""Write changed translations into a gettext catalogue and leave every other line as it is."""

import re
from collections.abc import Mapping
from io import BytesIO

from babel.messages import Catalog, Message
from babel.messages.pofile import denormalize, read_po, write_po

WIDTH = 100
Key = str | tuple[str, str]
"""English; of one and of many, where a number decides."""
ENGLISH = re.compile(
    r"^msgid (?P<one>.*?)\n(?:msgid_plural (?P<many>.*?)\n)?msgstr", re.MULTILINE | re.DOTALL
)


def key_of(message: Message) -> Key:
    """Return what a message is looked up by."""
    return message.id if isinstance(message.id, str) else (message.id[0], message.id[1])


def forms_of(message: Message) -> tuple[str, ...]:
    """Return the translation of a message: one, or one for each plural form."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def with_changes(text: str, language: str, changes: Mapping[Key, tuple[str, ...]]) -> str:
    """Return a catalogue with other translations of some of its messages.

    Parameters
    ----------
    text
        The catalogue (``.po``); a blank line parts its entries.
    changes
        New translations, as many as there are plural forms, by the message that has one.
    """
    blocks = re.split(r"(\n\n+)", text.rstrip("\n"))
    for place, block in enumerate(blocks):
        forms = changes.get(_english(block))
        if forms is not None:
            blocks[place] = _changed(blocks[0], block, language, forms)
    return "".join(blocks) + "\n"


def _english(block: str) -> Key:
    """Return what the entry of a block is looked up by; empty where there is none."""
    found = ENGLISH.search(block)
    if found is None:
        return ""
    one = denormalize(found["one"])
    return one if found["many"] is None else (one, denormalize(found["many"]))


def _changed(head: str, block: str, language: str, forms: tuple[str, ...]) -> str:
    """Write an entry anew; the head of its catalogue says how many plural forms there are."""
    alone: Catalog = read_po(BytesIO(f"{head}\n\n{block}\n".encode()), locale=language)
    message = next(one for one in alone if one.id)
    message.string = forms[0] if isinstance(message.id, str) else forms
    out = BytesIO()
    write_po(out, alone, width=WIDTH, omit_header=True)
    return out.getvalue().decode().strip("\n")
