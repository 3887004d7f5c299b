"""Words that no page may use of land: none of them can be known from a model."""

import re
from collections.abc import Mapping

FORBIDDEN = re.compile(
    r"\bsafe(ly|ty|r|st)?\b|\bclear(ed)?\b|\bfree\b|\breleased\b|\b(no|zero|without) risk\b"
    r"|\brisk-[f]ree\b|\bmine-[f]ree\b|\bgreen\b|\bdanger(ous)?\b",
    re.IGNORECASE,
)
FORBIDDEN_IN: Mapping[str, re.Pattern[str]] = {
    "az": re.compile(
        r"təhlükəsiz|\btəmiz|minasız|azad\b|azad (edil|olun)|risksiz|risk yoxdur|mina yoxdur"
        r"|təhlükə yoxdur|\byaşıl",
        re.IGNORECASE,
    ),
    "ru": re.compile(
        r"безопас|\bчист(о|а|ы|ый|ая|ое|ые|ой|ую)?\b|очищен|свобод|освобожд|разминирован"
        r"|риска нет|нет риска|без риска|мин нет|нет мин\b|зел[её]н",
        re.IGNORECASE,
    ),
}
"""Stems, since both languages inflect; what is said of the model or a file claims nothing."""


def claims_in(words: str, language: str) -> list[str]:
    """List the words of a sentence that claim what nobody can know, English ones among them."""
    found = [*FORBIDDEN_IN[language].finditer(words), *FORBIDDEN.finditer(words)]
    return [match.group() for match in found]
