"""What the report says of the survey tasks: the first of them, why, and whether they beat rules."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minerisk.models.tasks.priorities import CONTROL, LEARN, RANKED
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.numbers import interval, number
from minerisk.pipelines.prioritize.capture import RULES, TASKS, read_tasks_json
from minerisk.pipelines.provenance.run_folder import RunFolder

TOP_TASKS = 10


def tasks_facts(run_dir: Path, texts: Texts = ENGLISH) -> dict[str, Any]:
    """Gather what is said of the tasks of a run, from ``tasks.csv`` and ``tasks.json``."""
    path = RunFolder(run_dir).tasks_csv
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    arms = {arm: [row for row in rows if row["arm"] == arm] for arm in (RANKED, LEARN, CONTROL)}
    facts = read_tasks_json(run_dir)
    lucky = [row for row in arms[RANKED] if row.get("place") == "luck"]
    return {
        "top": [_row(row, texts) for row in arms[RANKED][:TOP_TASKS]],
        "learn_top": [
            {"task": row["task"], "hectares": _number(row, "hectares"), "place": _place(row)}
            for row in arms[LEARN][: TOP_TASKS // 2]
        ],
        **{arm: len(found) for arm, found in arms.items()},
        **{
            f"{arm}_ha": number(sum(float(row["hectares"]) for row in found), "hectares")
            for arm, found in arms.items()
        },
        "luck": len(lucky),
        "missing": [texts.told(words) for words in facts.get("missing", [])],
        "standing": {texts.told(k): n for k, n in facts.get("standing", {}).items()},
        "gap": number(facts.get("summary", {}).get("gap"), "share"),
        "capture": _capture(facts.get("left_out_regions", {}), texts),
    }


def _row(row: Mapping[str, str], texts: Texts) -> dict[str, str]:
    low, high, to = row.get("rank_low"), row.get("rank_high"), texts.say("to")
    return {
        "rank": row["rank"],
        "ranks": f"{low} {to} {high}" if low and high else "",
        "luck": texts.say("place is luck") if row.get("place") == "luck" else "",
        "task": row["task"],
        "hectares": _number(row, "hectares"),
        "days": _number(row, "team_days"),
        "expected": f"{float(row['expected_finds']):.1f}",
        "probability": number(float(row["probability"]), "share"),
        "interval": f"{number(float(row['lower']), 'share')} {to} "
        f"{number(float(row['upper']), 'share')}",
        "place": _place(row),
        "why": texts.told(row.get("why", "")),
    }


def _number(row: Mapping[str, str], name: str) -> str:
    return number(float(row[name])) if row.get(name) else "–"


def _place(row: Mapping[str, str]) -> str:
    return f"{float(row['latitude']):.4f}, {float(row['longitude']):.4f}"


def _capture(found: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """Word the comparison on regions left out; empty where it was not made."""
    shares: Sequence[float] = found.get("shares", [])
    measured: Mapping[str, Any] = found.get("found", {})
    names = {name: texts.say(words) for name, words in RULES.items() if name in measured}
    return {
        "land": shares,
        "found": measured,
        "names": names,
        "shares": [number(share, "share") for share in shares],
        "rows": [
            {
                "words": words,
                "chosen": name == TASKS,
                "values": [
                    interval(values, "share", to=texts.say("to")) for values in measured[name]
                ],
            }
            for name, words in names.items()
        ],
        "words": [texts.told(words) for words in found.get("words", [])],
    }
