from minerisk.models.estimate import Estimate
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.tasks import (
    EvidenceRecord,
    FamilyReason,
    Lack,
    NearestEvidence,
    Rule,
    Sureness,
    TaskReasons,
)
from minerisk.pipelines.report.tasks import read_tasks
from minerisk.pipelines.report.wording import Wording

HEAD = (
    "task,arm,rank,hectares,team_days,expected_finds,probability,lower,upper,rank_low,rank_high,"
    "place,latitude,longitude,why\n"
)


REASONS = TaskReasons(
    task="NTS-0001",
    sureness=(Notice(code=Sureness.RANK_FIRM, values={"low": 1, "high": 2}),),
    speaks=True,
    strongest=("roads",),
    raised_by=(FamilyReason(family="roads", kind="distance"),),
    lowered_by=(),
    evidence=EvidenceRecord(
        code=NearestEvidence.FIND, layer="finds", identity=None, row=3, date=None, metres=1200.0
    ),
    gaps=("slope_deg",),
)


def test_arms_are_counted_apart_and_undecided_ranks_are_marked(tmp_path, task_file):
    (tmp_path / "tasks.csv").write_text(
        HEAD
        + "NTS-0001,ranked,1,250.0,5.0,4.2,0.11,0.05,0.2,1,2,undecided,43.1,17.2,because\n"
        + "NTS-0002,ranked,2,150.0,3.0,2.0,0.10,0.09,0.11,2,2,holds,43.1,17.2,because\n"
        + "NTS-L0003,learn,1,100.0,2.0,,,,,,,,43.1,17.2,new\n"
        + "NTS-C0004,control,,100.0,2.0,1.0,0.01,0.0,0.1,,,,43.2,17.3,blind\n"
    )
    known = task_file(
        {Rule.TASKS: [(0.3, 0.2, 0.4)], Rule.NEAREST_LINE: [(0.2, 0.1, 0.3)]},
        shares=(0.05,),
        minus={Rule.NEAREST_LINE: [(0.1, -0.1, 0.3)]},
        gap=0.001,
        missing=(Notice(code=Lack.NO_BASES),),
        reasons=(REASONS,),
    )
    (tmp_path / "tasks.json").write_text(known.to_json())
    facts = read_tasks(RunFolder(tmp_path))
    assert (facts.ranked.count, facts.learn.count, facts.control.count) == (2, 1, 1)
    assert facts.undecided == 1
    hectares = (facts.ranked.hectares, facts.learn.hectares, facts.control.hectares)
    assert hectares == (400, 100, 100)
    first, second = facts.ranked.rows
    assert (first.undecided, second.undecided) == (True, False)
    assert (first.rank_low, first.rank_high) == ("1", "2")
    assert first.interval == Estimate(0.11, 0.05, 0.2)
    wording = Wording(ENGLISH)
    assert wording.compared(facts.capture) == [
        "Against cells nearest to the line: no difference is shown at 5 % of land."
    ]
    assert [ENGLISH.say(notice) for notice in facts.file.missing] == [
        "no bases: travel is not counted"
    ]
    assert wording.why(facts.reasons(first), facts.file.missing) == (
        "Within the interval it ranks 1 to 2. Raised most by roads: how far the nearest is. "
        "Nearest evidence: find row 3 of finds, date not recorded, 1,200 m away. "
        "Missing: no bases: travel is not counted; values of slope_deg in part of this task."
    )
    assert facts.reasons(second) is None


def test_a_run_without_tasks_has_nothing_to_say(tmp_path):
    assert read_tasks(RunFolder(tmp_path)) is None
