"""One term a thing in each language: what a sentence with the English one says in the others.

Azerbaijani and Russian inflect, so a term is found by the beginnings of its words. Where an English
word means something else too, its pattern leaves that out. Names of files, commands and places to
be filled are no words of a sentence.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

NO_WORDS = re.compile(
    r"\{[^}]*\}|%\(\w+\)s|`[^`]*`|<[^>]+>|@\w+/|\b[a-z]\w*\.[a-z]\w+|minerisk [a-z ]+ RUN\b"
)


@dataclass(frozen=True)
class Term:
    """A thing, and what it is called.

    Attributes
    ----------
    shown
        The term in each language, as the table in ``docs/languages.md`` has it.
    english
        Pattern that finds it in an English sentence.
    stems
        Pattern of its beginnings in each other language.
    """

    shown: Mapping[str, str]
    english: re.Pattern[str]
    stems: Mapping[str, re.Pattern[str]]

    def is_in(self, sentence: str) -> bool:
        """Tell whether an English sentence is about it."""
        return self.english.search(NO_WORDS.sub(" ", sentence)) is not None

    def is_said(self, sentence: str, language: str) -> bool:
        """Tell whether a sentence of another language calls it by its term."""
        return self.stems[language].search(sentence) is not None


def _term(english: str, pattern: str, az: tuple[str, str], ru: tuple[str, str]) -> Term:
    return Term(
        shown={"en": english, "az": az[0], "ru": ru[0]},
        english=re.compile(pattern, re.IGNORECASE),
        stems={
            "az": re.compile(az[1], re.IGNORECASE),
            "ru": re.compile(ru[1], re.IGNORECASE),
        },
    )


TERMS: tuple[Term, ...] = (
    _term("cannot say", r"\bcannot say\b",
          ("demək olmur", r"demək olmur"), ("сказать нельзя", r"сказать нельзя")),
    _term("higher", r"\bhigher\b(?! of the two)",
          ("daha yüksək", r"daha yüksək"), ("более высокая", r"более высок")),
    _term("elevated", r"\belevated\b",
          ("yüksəlmiş", r"yüksəlmiş"), ("повышенная", r"повышенн")),
    _term("lower", r"(?<!close, )\blower\b(?! (?:one|it|end|rate|or redraw)\b)",
          ("daha aşağı", r"daha aşağı"), ("более низкая", r"более низк")),
    _term("draft", r"\bdrafts?\b",
          ("qaralama", r"qaralama"), ("черновик", r"черновик")),
    _term("simulated", r"\bsimulated\b",
          ("simulyasiya", r"s[iİ]mulyas[iİ]ya"), ("смоделировано", r"смоделирован")),
    _term("approve", r"\bapprov",
          ("təsdiq etmək", r"təsd[iİ]q"), ("утвердить", r"утвер[жд]")),
    _term("withdrawn", r"\bwithdraw",
          ("geri götürülmüş", r"ger[iİ]"), ("отозван", r"от[оз]зва|отзыв")),
    _term("indirect source", r"\bindirect\b",
          ("dolayı mənbə", r"dolayı"), ("косвенный источник", r"косвенн")),
    _term("desk assessment", r"\bdesk assessment",
          ("kameral qiymətləndirmə", r"kameral"), ("камеральная оценка", r"камеральн")),
    _term("contamination", r"\bcontaminat",
          ("çirklənmə", r"çirklən"), ("загрязнение", r"загрязн")),
    _term("non-technical survey", r"\bnon-technical survey",
          ("qeyri-texniki tədqiqat", r"qeyri-texniki tədqiqat"),
          ("нетехническое обследование", r"нетехническ\w+ обследовани")),
    _term("survey", r"\bsurvey(?!123)",
          ("tədqiqat", r"tədqi[qr]"), ("обследование", r"обсл[её]д")),
    _term("suspected area", r"\bsuspected",
          ("şübhəli ərazi", r"şübhəli"), ("предполагаемый район", r"предполага")),
    _term("confirmed area", r"\bconfirmed",
          ("təsdiqlənmiş ərazi", r"təsdiqlənmiş"), ("подтверждённый район", r"подтвержд")),
    _term("finding", r"\bfindings?\b(?! the\b)|\bfinds\b(?! (?:more|less|minus)\b)",
          ("tapıntı", r"tapıntı"), ("находка", r"наход")),
    _term("accident", r"\baccidents?\b",
          ("hadisə", r"hadisə"), ("несчастный случай", r"несчастн\w+ случа")),
    _term("evidence", r"\bevidence\b",
          ("sübut", r"sübut"), ("свидетельство", r"свидетельств")),
    _term("hazard class", r"\bhazard class|\bclass of hazard",
          ("təhlükə sinfi", r"təhlükə sin"), ("класс опасности", r"класс\w* опасност")),
    _term("probability", r"\bprobabilit",
          ("ehtimal", r"eht[iİ]mal"), ("вероятность", r"вероятност")),
    _term("interval", r"\bintervals?\b",
          ("interval", r"interval"), ("интервал", r"интервал")),
    _term("calibration", r"\bcalibrat",
          ("kalibrləmə", r"kalibrl"), ("калибровка", r"калибр")),
    _term("area of applicability", r"\barea of applicability",
          ("tətbiq sahəsi", r"tətbiq sahə"), ("область применимости", r"област\w+ применимост")),
    _term("dissimilarity", r"\bdissimilarit",
          ("fərqlilik", r"fərqlili[kyğ]"), ("несходство", r"несходств")),
    _term("study area", r"\bstudy area",
          ("tədqiqat ərazisi", r"tədqiqat ərazi"),
          ("район исследования", r"район\w* исследования")),
    _term("task", r"\btasks?\b",
          ("tapşırıq", r"tapşırı[qğ]"), ("задание", r"задани")),
    _term("band of tasks", r"(?<!raster has   )\bbands?\b(?! 2 and 3)",
          ("zolaq", r"zola[qğ]"), ("полоса", r"полос")),
    _term("front line", r"\bfront lines?\b",
          ("cəbhə xətti", r"cəbhə xət[tl]"), ("линия фронта", r"лини\w* фронта")),
    _term("cell", r"\bcells?\b",
          ("xana", r"xana"), ("ячейка", r"яче[йе]")),
    _term("layer", r"\blayers?\b",
          ("qat", r"\bqat"), ("слой", r"\bсло[йяюеёи]")),
    _term("region", r"\bregions?\b",
          ("bölgə", r"bölgə"), ("регион", r"регион")),
    _term("gate", r"\bgates?\b",
          ("şərt", r"şərt"), ("условие", r"услови")),
    _term("run", r"(?<!method )\bruns?\b(?! …)",
          ("hesablama", r"hesablama"), ("расчёт", r"расч[её]т")),
    _term("reviewer", r"\breviewers?\b",
          ("yoxlayan", r"yoxlayan"), ("проверяющий", r"проверяющ")),
    _term("pack", r"\bpacks?\b",
          ("paket", r"paket"), ("пакет", r"пакет")),
    _term("request", r"\brequests?\b(?!/)",
          ("sorğu", r"sorğu"), ("запрос", r"запрос")),
)  # fmt: skip
"""What a reader acts on comes first."""


def terms_in(sentence: str) -> Iterator[Term]:
    """Find the terms of an English sentence."""
    return (term for term in TERMS if term.is_in(sentence))
