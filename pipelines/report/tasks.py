"""What the report says of the survey tasks: the first of them, why, and whether they beat rules."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minerisk.models.tasks.survey_tasks import Arm, Firmness
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.numbers import interval, number
from minerisk.pipelines.language.task_words import RULES, STANDING
from minerisk.pipelines.prioritize.words import verdicts, why
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.task_codes import Rule
from minerisk.pipelines.records.tasks import Capture, TaskFile

TOP_TASKS = 10


def tasks_facts(run_dir: Path, texts: Texts = ENGLISH) -> dict[str, Any]:
    """Gather what is said of the tasks of a run, from ``tasks.csv`` and ``tasks.json``."""
    path = RunFolder(run_dir).tasks_csv
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    arms = {arm: [row for row in rows if row["arm"] == arm] for arm in Arm}
    known = RunFolder(run_dir).tasks_json
    file = TaskFile.read(known) if known.is_file() else None
    reasons = {}
    if file is not None:
        reasons = {item.task: why(item, file.missing, texts) for item in file.reasons}
    open_ranks = [row for row in arms[Arm.RANKED] if row.get("place") == Firmness.UNDECIDED]
    return {
        "top": [
            _row(row, reasons.get(row["task"], ""), texts) for row in arms[Arm.RANKED][:TOP_TASKS]
        ],
        "learn_top": [
            {"task": row["task"], "hectares": _number(row, "hectares"), "place": _place(row)}
            for row in arms[Arm.LEARN][: TOP_TASKS // 2]
        ],
        **{str(arm): len(found) for arm, found in arms.items()},
        **{
            f"{arm}_ha": number(sum(float(row["hectares"]) for row in found), "hectares")
            for arm, found in arms.items()
        },
        "undecided": len(open_ranks),
        "missing": [] if file is None else [texts.say(notice) for notice in file.missing],
        "standing": {}
        if file is None
        else {texts.say(STANDING[kind]): count for kind, count in file.standing.items()},
        "gap": number(None if file is None else file.summary.gap, "share"),
        "capture": _capture(file, texts),
    }


def _row(row: Mapping[str, str], reason: str, texts: Texts) -> dict[str, str]:
    low, high, to = row.get("rank_low"), row.get("rank_high"), texts.say("to")
    return {
        "rank": row["rank"],
        "ranks": f"{low} {to} {high}" if low and high else "",
        "undecided": texts.say("not distinguishable from its neighbours")
        if row.get("place") == Firmness.UNDECIDED
        else "",
        "task": row["task"],
        "hectares": _number(row, "hectares"),
        "days": _number(row, "team_days"),
        "expected": f"{float(row['expected_finds']):.1f}",
        "probability": number(float(row["probability"]), "share"),
        "interval": f"{number(float(row['lower']), 'share')} {to} "
        f"{number(float(row['upper']), 'share')}",
        "place": _place(row),
        "why": reason,
    }


def _number(row: Mapping[str, str], name: str) -> str:
    return number(float(row[name])) if row.get(name) else "–"


def _place(row: Mapping[str, str]) -> str:
    return f"{float(row['latitude']):.4f}, {float(row['longitude']):.4f}"


def _capture(file: TaskFile | None, texts: Texts) -> dict[str, Any]:
    """Word the comparison on regions left out; empty where it was not made."""
    found = None if file is None else file.left_out_regions
    if not isinstance(found, Capture):
        words = [] if found is None else [texts.say(found)]
        return {"land": (), "found": {}, "names": {}, "shares": [], "rows": [], "words": words}
    names = {rule: texts.say(RULES[rule]) for rule in Rule if rule in found.found}
    return {
        "land": found.shares,
        "found": found.found,
        "names": names,
        "shares": [number(share, "share") for share in found.shares],
        "rows": [
            {
                "words": words,
                "chosen": rule == Rule.TASKS,
                "values": [
                    interval(list(values), "share", to=texts.say("to"))
                    for values in found.found[rule]
                ],
            }
            for rule, words in names.items()
        ],
        "words": verdicts(found, texts),
    }
