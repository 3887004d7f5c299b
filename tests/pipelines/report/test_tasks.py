import json

from minerisk.pipelines.report.tasks import tasks_facts

HEAD = (
    "task,arm,rank,hectares,team_days,expected_finds,probability,lower,upper,rank_low,rank_high,"
    "place,latitude,longitude,why\n"
)


def test_arms_are_counted_apart_and_luck_is_said(tmp_path):
    (tmp_path / "tasks.csv").write_text(
        HEAD
        + "NTS-0001,ranked,1,250.0,5.0,4.2,0.11,0.05,0.2,1,2,luck,43.1,17.2,because\n"
        + "NTS-0002,ranked,2,150.0,3.0,2.0,0.10,0.09,0.11,2,2,holds,43.1,17.2,because\n"
        + "NTS-L0003,learn,1,100.0,2.0,,,,,,,,43.1,17.2,new\n"
        + "NTS-C0004,control,,100.0,2.0,1.0,0.01,0.0,0.1,,,,43.2,17.3,blind\n"
    )
    found = {
        "shares": [0.05],
        "found": {"tasks": [[0.3, 0.2, 0.4]], "nearest_line": [[0.2, 0.1, 0.3]]},
        "words": ["Against cells nearest to the line: no difference is shown at 5 % of land."],
    }
    (tmp_path / "tasks.json").write_text(
        json.dumps({"left_out_regions": found, "summary": {"gap": 0.001}, "missing": ["no bases"]})
    )
    facts = tasks_facts(tmp_path)
    assert (facts["ranked"], facts["learn"], facts["control"], facts["luck"]) == (2, 1, 1, 1)
    assert (facts["ranked_ha"], facts["learn_ha"], facts["control_ha"]) == ("400", "100", "100")
    assert [task["luck"] for task in facts["top"]] == ["place is luck", ""]
    assert facts["top"][0]["ranks"] == "1 to 2"
    assert [row["chosen"] for row in facts["capture"]["rows"]] == [True, False]
    assert facts["capture"]["words"] == found["words"]
    assert facts["missing"] == ["no bases"]


def test_a_run_without_tasks_has_nothing_to_say(tmp_path):
    assert tasks_facts(tmp_path) == {}
