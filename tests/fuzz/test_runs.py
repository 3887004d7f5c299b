"""A few of the changes that ``make fuzz-runs`` makes by the ten thousand."""

from pathlib import Path

from .runs import fuzz, small_run


def test_a_change_to_a_file_of_a_run_is_named_and_makes_it_stand_no_better(
    tiny_run: Path, tmp_path: Path
) -> None:
    withdrawn = fuzz(
        small_run(tiny_run, tmp_path / "withdrawn", withdrawn=True), seeds=range(60), stop_s=10
    )
    folder = small_run(tiny_run, tmp_path / "approved")
    (folder / "mlflow.db").unlink()
    approved = fuzz(folder, seeds=range(60, 300), stop_s=15)
    assert withdrawn.broken + approved.broken == []
    assert withdrawn.tried
    assert approved.tried
    assert approved.outcomes["named"] > approved.tried / 2
