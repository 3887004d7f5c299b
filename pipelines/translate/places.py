"""What a sentence leaves to be filled, and its mark-up: the same in every language."""

import re
import string


def places(message: str) -> list[str]:
    """List the places in braces, those of a template as ``%(…)s``, and the tags of a message.

    Raises
    ------
    ValueError
        If its braces do not match.
    """
    parsed = string.Formatter().parse(message)
    braces = [
        f"{{{name}:{form}}}" if form else f"{{{name}}}"
        for _, name, form, _ in parsed
        if name is not None
    ]
    return sorted([*braces, *re.findall(r"%\(\w+\)s|%%|<[^>]+>", message)])
