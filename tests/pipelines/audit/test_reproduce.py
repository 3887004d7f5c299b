"""A run made again: the same bytes, or the stage that first came out other."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

from minerisk.features.errors import InputError
from minerisk.pipelines.audit.differences import largest_difference
from minerisk.pipelines.audit.reproduce import (
    compare_trails,
    reproduce,
    run_in_fresh_environment,
)
from minerisk.pipelines.audit.reproduction_lines import reproduction_lines
from minerisk.pipelines.provenance.files import canonical, sha256_path, sha256_text
from minerisk.pipelines.provenance.manifest import write_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.comparison import (
    Cause,
    CauseCode,
    Reproduction,
    Sameness,
    StageComparison,
)
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.run.folder import Run


@pytest.fixture(scope="module")
def remade(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    again = tiny_run.parent / "made-again"
    reproduce(Run.open(tiny_run), again)
    return again


def change_manifest(folder: Path, change: Callable[[dict], None]) -> Manifest:
    """Change the manifest of a run, and chain it again."""
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    change(content)
    changed = Manifest.model_validate_json(json.dumps(content))
    return write_manifest(RunFolder(folder), changed)


def rehash(folder: Path, name: str) -> None:
    digest = sha256_path(folder / name)

    def change(manifest: dict) -> None:
        for stage in manifest["stages"]:
            for side in ("inputs", "outputs"):
                if name in stage[side]:
                    stage[side][name] = digest

    change_manifest(folder, change)


def lines(found: Reproduction) -> list[str]:
    return list(reproduction_lines(found))


def test_a_run_made_again_is_the_same_to_the_byte(tiny_run: Path, remade: Path) -> None:
    found = compare_trails(Run.open(tiny_run), Run.open(remade))
    assert found.verdict == "identical"
    assert found.first_difference is None
    assert {stage.stage for stage in found.stages} >= {"build", "train", "predict", "report"}
    assert lines(found)[-1] == "The runs are the same, byte for byte."
    assert not (remade / "mlflow.db").exists()


def test_going_on_with_a_run_made_again_does_nothing_twice(tiny_run: Path, remade: Path) -> None:
    said: list[str] = []
    assert reproduce(Run.open(tiny_run), remade, said=said.append).verdict == "identical"
    assert all("nothing to do" in line for line in said)


def test_a_finding_added_to_the_run_is_traced_to_the_simulator(
    tiny_copy: Path, tmp_path: Path
) -> None:
    path = tiny_copy / "simulated" / "findings.gpkg"
    finds = gpd.read_file(path, layer="simulated_finds")
    more = pd.concat([finds, finds.iloc[:1]], ignore_index=True)
    more.to_file(path, layer="simulated_finds", driver="GPKG")
    rehash(tiny_copy, "simulated")
    found = reproduce(
        Run.open(tiny_copy), tiny_copy.parent / f"{tmp_path.name}-again", last="simulate"
    )
    assert (found.verdict, found.first_difference) == ("differs", "simulate")
    assert found.first_cause is None


@pytest.mark.parametrize(
    ("old", "new", "last", "stage"),
    [
        ("  seed: 11", "  seed: 12", "simulate", "simulate"),
        ("radii_m: [1500, 3000]", "radii_m: [1500, 2500]", "build", "build"),
    ],
)
def test_a_seed_or_a_parameter_changed_is_traced_to_its_stage(
    tiny_copy: Path, tmp_path: Path, old: str, new: str, last: str, stage: str
) -> None:
    config = tiny_copy / "config.yaml"
    text = config.read_text(encoding="utf-8")
    assert text.count(old) == 1
    config.write_text(text.replace(old, new), encoding="utf-8")
    rehash(tiny_copy, "config.yaml")
    found = reproduce(Run.open(tiny_copy), tiny_copy.parent / f"{tmp_path.name}-again", last=last)
    assert found.verdict == "differs"
    assert found.first_difference == stage
    assert f"{stage}: its settings differ" in lines(found)


def test_a_library_version_in_the_record_is_traced_to_its_stage(
    tiny_copy: Path, remade: Path
) -> None:
    def change(manifest: dict) -> None:
        train = next(stage for stage in manifest["stages"] if stage["name"] == "train")
        known = manifest["environments"][train["environment"]]
        other = known | {"packages": known["packages"] | {"lightgbm": "4.0.0"}}
        train["environment"] = sha256_text(canonical(other))
        manifest["environments"][train["environment"]] = other

    change_manifest(tiny_copy, change)
    found = compare_trails(Run.open(tiny_copy), Run.open(remade))
    assert found.first_cause == "train"
    assert found.verdict == "identical"
    assert any("library lightgbm: 4.0.0 then" in line for line in lines(found))


def test_a_changed_layer_is_traced_to_the_stage_that_reads_it(
    tiny_copy: Path, remade: Path
) -> None:
    def change(manifest: dict) -> None:
        build = next(stage for stage in manifest["stages"] if stage["name"] == "build")
        build["inputs"]["layer:elevation"] = "0" * 64

    change_manifest(tiny_copy, change)
    found = compare_trails(Run.open(tiny_copy), Run.open(remade))
    assert found.first_cause == "build"
    assert "build: layer:elevation has other bytes" in lines(found)


def test_numbers_within_a_millionth_are_close_and_not_identical(
    tiny_run: Path, remade: Path, tmp_path: Path
) -> None:
    folder = remade.parent / f"close-{tmp_path.name}"
    shutil.copytree(remade, folder)
    path = folder / "held_out.parquet"
    for step, verdict in ((2e-7, "within 1e-6"), (1e-3, "differs")):
        table = pd.read_parquet(path)
        table["far_model"] = table["far_model"] + np.float32(step)
        table.to_parquet(path, index=False)
        rehash(folder, "held_out.parquet")
        found = compare_trails(Run.open(tiny_run), Run.open(folder))
        assert found.verdict == verdict
        assert found.first_difference == (None if verdict != "differs" else "train")


def test_a_run_is_not_made_again_into_itself_or_onto_other_things(
    tiny_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="lies in the run folder"):
        reproduce(Run.open(tiny_run), tiny_run / "again")
    (tmp_path / "thesis.doc").write_text("x")
    with pytest.raises(InputError, match="is not empty"):
        reproduce(Run.open(tiny_run), tmp_path)


def test_another_library_is_told_where_it_began_and_settings_of_every_stage() -> None:
    old = Cause(code=CauseCode.LIBRARY, name="numpy", then="1", now="2")
    settings = Cause(code=CauseCode.SETTINGS)
    found = Reproduction(
        schema_version=1,
        verdict=Sameness.IDENTICAL,
        first_difference=None,
        first_cause="build",
        stages=(
            StageComparison(stage="build", causes=(old,)),
            StageComparison(stage="train", causes=(settings, old)),
            StageComparison(stage="predict", causes=(settings,)),
        ),
    )
    assert lines(found)[:-1] == [
        "build: library numpy: 1 then, 2 now",
        "train: its settings differ",
        "predict: its settings differ",
    ]


def test_a_fresh_environment_is_made_beside_the_run_from_any_folder(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is called, with a folder that is named from here; nothing is installed."""
    called: list[tuple[list[str], Path | None]] = []

    def call(words: list[str], *, cwd: Path | None = None, **_: object) -> SimpleNamespace:
        called.append((words, cwd))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr("minerisk.pipelines.audit.reproduce.venv.create", lambda *_, **__: None)
    monkeypatch.setattr("minerisk.pipelines.audit.reproduce.subprocess.run", call)
    monkeypatch.chdir(tmp_path)
    assert run_in_fresh_environment(tiny_run, Path("again"), said=lambda _: None) == 0
    python = str(tmp_path / "again.env" / "bin" / "python")
    assert [words[0] for words, _ in called] == [python] * 3
    (locked, _), _, (again, place) = called
    assert "--require-hashes" in locked
    assert place == tmp_path / "again.env"
    assert again[-2:] == ["--out", str(tmp_path / "again")]
    run_in_fresh_environment(tiny_run, Path("again"), said=lambda _: None, as_json=True)
    assert called[-1][0] == [*again, "--json"]
    (tmp_path / "again.env").mkdir()
    with pytest.raises(InputError, match="is there already"):
        run_in_fresh_environment(tiny_run, Path("again"), said=lambda _: None)


@pytest.mark.parametrize(
    ("one", "two", "largest"),
    [
        ('{"a": 1.0}', '{"a": 1.0000005}', 5e-7),
        ('{"a": 1000.0}', '{"a": 1001.0}', 1e-3),  # relative above 1
        ('{"a": 1}', '{"b": 1}', None),
        ('{"a": [1, 2]}', '{"a": [1]}', None),
    ],
)
def test_texts_are_as_far_apart_as_their_numbers(
    tmp_path: Path, one: str, two: str, largest: float | None
) -> None:
    for name, text in (("one.json", one), ("two.json", two)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = largest_difference(tmp_path / "one.json", tmp_path / "two.json")
    assert found == (None if largest is None else pytest.approx(largest))


def test_what_can_be_read_on_one_side_only_is_infinitely_far(tmp_path: Path) -> None:
    for name, value in (("one", [1.0, np.nan]), ("two", [1.0, 2.0])):
        pd.DataFrame({"a": value}).to_parquet(tmp_path / f"{name}.parquet")
    assert largest_difference(tmp_path / "one.parquet", tmp_path / "two.parquet") == float("inf")


def test_the_result_is_plain_json(tiny_run: Path, remade: Path) -> None:
    found = compare_trails(Run.open(tiny_run), Run.open(remade))
    assert Reproduction.parse(found.to_json(), source=Path("x")) == found


def test_every_band_of_a_raster_is_compared(tmp_path: Path) -> None:
    bands = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    for name, second in (("one", bands[1]), ("two", bands[1] + 5)):
        path = tmp_path / f"{name}.tif"
        with rasterio.open(
            path, "w", driver="GTiff", width=4, height=3, count=2, dtype="uint8",
            crs="EPSG:32638", transform=rasterio.transform.from_origin(0, 0, 10, 10),
        ) as raster:  # fmt: skip
            raster.write(np.stack([bands[0], second]))
    found = largest_difference(tmp_path / "one.tif", tmp_path / "two.tif")
    assert found == pytest.approx(5 / 12)  # relative to the values, of which 12 is the least
