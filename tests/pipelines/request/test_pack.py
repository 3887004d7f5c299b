"""A pack, made from the tiny run, opened and held against the run."""

import json
import re
import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import box

from minerisk.features.errors import CoverError, FindingError, InputError
from minerisk.pipelines.formats.cog import read_raster, read_raster_like, write_raster
from minerisk.pipelines.formats.palette import CLASS_WORDS, LOWER, OUTSIDE, PROBABILITY_RAMP
from minerisk.pipelines.language.marks import USE
from minerisk.pipelines.language.messages import texts
from minerisk.pipelines.predict.bands import UNMASKED
from minerisk.pipelines.provenance.files import listing, sha256_path
from minerisk.pipelines.provenance.manifest import read_manifest, write_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.rasters import RiskClasses
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.request.answer import write_maps
from minerisk.pipelines.request.contents import NO_TASK
from minerisk.pipelines.request.filters import request_area
from minerisk.pipelines.request.opening import open_request
from minerisk.pipelines.request.pack import answer_request, make_packs
from minerisk.pipelines.request.rasters import WRITTEN
from minerisk.pipelines.run.folder import Run


def raster_tags(path):
    with rasterio.open(path) as raster:
        return raster.tags()


def written(pack):
    """The rasters of a pack: the public copy has none that is not for ranking."""
    return [name for name in WRITTEN if name != UNMASKED or not pack.name.endswith("_public")]


def test_every_file_is_listed_with_its_hash_and_the_run(packs, tiny_run):
    for pack in packs:
        manifest = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))
        there = {p.relative_to(pack).as_posix() for p in pack.rglob("*") if p.is_file()}
        assert there == {*manifest["files"], "manifest.json"}
        for name, digest in manifest["files"].items():
            assert sha256_path(pack / name) == digest
        assert manifest["run"]["head"] == read_manifest(RunFolder(tiny_run)).head
        assert manifest["made_from"]["rasters/probability.tif"] == sha256_path(
            tiny_run / "rasters" / "probability.tif"
        )


def test_rasters_are_valid_cogs_with_style_and_statistics(packs):
    for pack in packs:
        for name in written(pack):
            valid, errors, _ = cog_validate(pack / f"{name}.tif")
            assert valid, errors
            assert (pack / f"{name}.qml").is_file()
            assert (pack / f"{name}.tif.aux.xml").is_file()
        with rasterio.open(pack / "risk_class.tif") as raster:
            assert raster.nodata == OUTSIDE
            assert raster.colormap(1)[3][:3] == (0x3B, 0x00, 0x50)
            assert raster.tags()["STATE"] == "DRAFT"
            assert raster.tags()["FINDINGS"] == "SIMULATED"
        assert "GDALRasterAttributeTable" in (pack / "risk_class.tif.aux.xml").read_text()


def test_cells_of_an_area_are_those_of_the_run(packs, tiny_run):
    for name in WRITTEN:
        part, geobox = read_raster(packs[0] / f"{name}.tif")
        whole = read_raster_like(tiny_run / "rasters" / f"{name}.tif", geobox)
        asked = part != OUTSIDE if part.dtype == np.uint8 else np.isfinite(part)
        assert asked.any()
        np.testing.assert_array_equal(part[asked], whole[asked])


def test_the_area_of_applicability_is_that_of_the_dissimilarity_beside_it(packs):
    for pack in packs:
        dissimilarity, _ = read_raster(pack / "dissimilarity.tif")
        area, _ = read_raster(pack / "area_of_applicability.tif")
        known = np.isfinite(dissimilarity)
        np.testing.assert_array_equal(area[known], dissimilarity[known] <= 1)
        assert (area[~known] == OUTSIDE).all()
        style = (pack / "area_of_applicability.qml").read_text(encoding="utf-8")
        assert "cannot say" in style


def test_reasons_go_with_the_restricted_copy_only(packs, tiny_run):
    restricted, public = packs
    assert cog_validate(restricted / "reasons.tif")[0]
    with rasterio.open(restricted / "reasons.tif") as part:
        with rasterio.open(tiny_run / "rasters" / "reasons.tif") as whole:
            codes = whole.read(window=whole.window(*part.bounds))
        asked = (part.read() != OUTSIDE).any(axis=0)
        assert asked.any()
        np.testing.assert_array_equal(part.read()[:, asked], codes[:, asked])
        assert part.tags()["STATE"] == "DRAFT"
    assert not (public / "reasons.tif").exists()


def test_the_public_copy_is_coarse_and_holds_no_finding(packs):
    restricted, public = packs
    with rasterio.open(public / "probability.tif") as raster:
        assert raster.res == (2_000, 2_000)
    layers = {name for name, _ in pyogrio.list_layers(public / "map.gpkg")}
    assert not layers & {"findings", "registered", "standing"}
    tasks = pyogrio.read_dataframe(public / "tasks.gpkg", layer="tasks")
    assert "easting" not in tasks
    for edge in tasks.total_bounds:
        assert len(tasks) == 0 or edge % 2_000 == 0
    page = (public / "report.html").read_text(encoding="utf-8")
    assert "PUBLIC COPY" in page
    assert "as registered" not in page
    assert "as registered" in (restricted / "report.html").read_text(encoding="utf-8")


def test_what_the_model_cannot_speak_for_has_no_number_to_rank_by(packs):
    restricted, public = packs
    for pack in packs:
        classes, _ = read_raster(pack / "risk_class.tif")
        for name in ("probability", "probability_lower", "probability_upper"):
            values, _ = read_raster(pack / f"{name}.tif")
            assert np.isnan(values[classes == 0]).all()
            assert np.isfinite(values[np.isin(classes, [1, 2, 3])]).all()
            assert 'nodataColor="#969696"' in (pack / f"{name}.qml").read_text(encoding="utf-8")
    assert "not for ranking" in raster_tags(restricted / "probability_unmasked.tif")["USE"]
    assert np.isfinite(read_raster(restricted / "probability_unmasked.tif")[0]).any()
    assert not (public / "probability_unmasked.tif").exists()
    project = (restricted / "map.qgs").read_text(encoding="utf-8")
    assert 'nodataColor="#' not in project
    assert "risk_class_tifsilent" in project


def test_a_pack_says_what_its_classes_hold(packs, tiny_run):
    known = RiskClasses.read(tiny_run / "rasters" / "classes.json")
    for pack in packs:
        table = RiskClasses.read(pack / "classes.json")
        assert (table.cuts, table.rule, table.regions) == (known.cuts, known.rule, known.regions)
        classes, _ = read_raster(pack / "risk_class.tif")
        for row, code in zip(table.rows, (3, 2, 1, 0), strict=True):
            assert row.cells == (classes == code).sum()
            if row.expected is not None:
                assert row.expected.low < row.expected.value < row.expected.high
        page = (pack / "report.html").read_text(encoding="utf-8")
        told = any(row.risk_class == "lower" and row.cells for row in table.rows)
        assert ("contaminated cells expected on land" in page) == told
        assert "cut by share" in raster_tags(pack / "risk_class.tif")["CLASSES"]


def test_a_row_of_the_table_and_its_place_on_the_map_lead_to_each_other(packs):
    page = (packs[0] / "report.html").read_text(encoding="utf-8")
    tasks = re.findall(r'id="row-([^"]+)"', page)
    assert tasks
    assert "_blank" not in page  # the same page, not a second one
    for task in tasks:
        assert f'href="#map-{task}"' in page
        assert f'id="map-{task}"' in page
        assert f'href="#row-{task}"' in page


def test_the_project_shades_hills_and_draws_rivers(packs):
    project = (packs[0] / "map.qgs").read_text(encoding="utf-8")
    assert 'type="hillshade"' in project
    assert "map.gpkg|layername=ways" in project
    assert '<alias field="arm"' in project
    assert "<mapTip>" in project
    ways = pyogrio.read_dataframe(packs[0] / "map.gpkg", layer="ways")
    assert set(ways["kind"]) == {"water"}
    page = (packs[0] / "report.html").read_text(encoding="utf-8")
    assert "river, stream or canal" in page


def test_each_task_has_a_sheet_that_says_draft_and_where_it_is(packs):
    for pack in packs:
        tasks = pyogrio.read_dataframe(pack / "tasks.gpkg", layer="tasks", read_geometry=False)
        page = (pack / "task_sheets.html").read_text(encoding="utf-8")
        assert re.findall(r'class="sheet" id="([^"]+)"', page) == list(tasks["task"])
        assert page.count("DRAFT: nobody has approved this run · SIMULATED") >= len(tasks)
        assert page.count('class="chart"') == len(tasks)
    assert "Nearest evidence" not in page  # of the public copy


def test_what_is_handed_out_says_draft_and_simulated(packs):
    for name in ("report.html", "README.txt", "map.qgs", "tasks.geojson", "tasks.kml", "item.json"):
        text = (packs[0] / name).read_text(encoding="utf-8")
        assert "DRAFT" in text, name
        assert "SIMULATED" in text, name
    assert "SIMULATED" in (packs[0] / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_the_report_needs_no_network(packs):
    page = (packs[0] / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert '<svg class="chart"' in page
    assert "cannot say" in page


def test_tasks_are_those_of_the_run_that_touch_the_area(packs, tiny_run, aoi):
    area = gpd.read_file(aoi).geometry[0]
    known = pyogrio.read_dataframe(tiny_run / "tasks.gpkg", layer="tasks")
    expected = list(known[known.intersects(area)]["task"])
    assert list(pyogrio.read_dataframe(packs[0] / "tasks.gpkg", layer="tasks")["task"]) == expected
    assert list(pd.read_csv(packs[0] / "tasks.csv")["task"]) == expected


def test_the_same_request_gives_the_same_bytes_and_takes_the_place_of_the_old(packs, tiny_run, aoi):
    before = (packs[0] / "manifest.json").read_bytes()
    (packs[0] / "left_over.txt").write_text("old")
    answer_request(open_request(tiny_run, Filters(aoi=aoi)), packs[0], sheets=True, phone=True)
    assert (packs[0] / "manifest.json").read_bytes() == before
    assert not (packs[0] / "left_over.txt").exists()


def test_a_folder_that_is_no_pack_is_left_alone(tiny_run, tmp_path):
    (tmp_path / "thesis.txt").write_text("ten years")
    with pytest.raises(InputError, match="holds no pack"):
        make_packs(open_request(tiny_run, Filters()), tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "ten years"


def test_a_run_whose_files_were_changed_hands_nothing_out(tiny_copy, tmp_path):
    path = tiny_copy / "rasters" / "probability.tif"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(FindingError, match="is not as the run wrote it"):
        make_packs(open_request(tiny_copy, Filters()), tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_an_unfinished_run_and_an_area_elsewhere_are_refused(tiny_copy, tmp_path, aoi):
    far = tmp_path / "far.gpkg"
    gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs="EPSG:4326").to_file(far)
    with pytest.raises(CoverError):
        make_packs(open_request(tiny_copy, Filters(aoi=far)), tmp_path / "pack")
    shutil.rmtree(tiny_copy / "rasters")
    with pytest.raises(InputError, match="Finish the run"):
        make_packs(open_request(tiny_copy, Filters(aoi=aoi)), tmp_path / "other")


@pytest.fixture(scope="module")
def run_with_class(tiny_run, tmp_path_factory):
    """The tiny run, and maps of anti-personnel mines a fifth above those of any hazard."""
    folder = tiny_run.parent / "with_class"
    shutil.copytree(tiny_run, folder)
    home = folder / "hazards" / "ap"
    shutil.copytree(folder / "model", home / "model")
    for name in ("metrics.json", "held_out.parquet"):
        shutil.copy(folder / name, home / name)
    whole = folder / "rasters"
    shutil.copytree(whole, whole / "ap")
    values, geobox = read_raster(whole / "probability.tif")
    path = whole / "ap" / "probability.tif"
    write_raster(path, values * np.float32(1.2), geobox, description="p", unit="1")
    manifest = read_manifest(RunFolder(folder))
    stages = {stage.name: dict(stage.outputs) for stage in manifest.stages}
    stages["train"]["hazards"] = sha256_path(folder / "hazards")
    RunFolder(folder).listing("hazards").write_bytes(listing(folder / "hazards"))
    for made in (whole / "ap").iterdir():
        stages["predict"][f"rasters/ap/{made.name}"] = sha256_path(made)
    changed = [
        stage.model_copy(update={"outputs": stages[stage.name]}) for stage in manifest.stages
    ]
    write_manifest(RunFolder(folder), manifest.model_copy(update={"stages": tuple(changed)}))
    return folder


def test_maps_of_a_class_lie_in_a_folder_and_bear_its_name_in_words(run_with_class, tmp_path):
    make_packs(
        open_request(run_with_class, Filters()), tmp_path / "pack", public=True, unapproved=True
    )
    for pack in (tmp_path / "pack", tmp_path / "pack_public"):
        for name in written(pack):
            assert cog_validate(pack / "ap" / f"{name}.tif")[0]
            assert (pack / "ap" / f"{name}.qml").is_file()
            assert "STATISTICS_MEAN" in (pack / "ap" / f"{name}.tif.aux.xml").read_text()
        assert raster_tags(pack / "ap" / "risk_class.tif")["HAZARD"] == "ap"
        project = (pack / "map.qgs").read_text(encoding="utf-8")
        assert 'name="Anti-personnel mines"' in project
        assert 'name="Anti-personnel mines: risk class"' in project
        assert 'source="./ap/risk_class.tif"' in project
        page = (pack / "report.html").read_text(encoding="utf-8")
        assert "<figcaption>Anti-personnel mines</figcaption>" in page
        words = (pack / "README.txt").read_text(encoding="utf-8")
        assert "the same maps for one class: Anti-personnel mines" in words
        assert "Anti-personnel mines: in 100 % of the cells the probability is above" in words
    part, geobox = read_raster(tmp_path / "pack" / "ap" / "probability.tif")
    whole = read_raster_like(run_with_class / "rasters" / "ap" / "probability.tif", geobox)
    np.testing.assert_array_equal(part, whole)


def test_one_class_asked_for_is_all_there_is_maps_and_tasks(run_with_class, tmp_path):
    make_packs(open_request(run_with_class, Filters(hazard="ap")), tmp_path / "pack")
    pack = tmp_path / "pack"
    part, geobox = read_raster(pack / "probability.tif")
    whole = read_raster_like(run_with_class / "rasters" / "ap" / "probability.tif", geobox)
    np.testing.assert_array_equal(part, whole)
    assert not (pack / "ap").exists()
    tasks = pyogrio.read_dataframe(pack / "tasks.gpkg", layer="tasks")
    assert set(tasks["Hazard_Cla"]) == {"Landmine / Antipersonnel"}
    assert json.loads((pack / "tasks.json").read_text())["asked"]["hazard"] == "ap"
    for name in ("README.txt", "report.html", "map.qgs"):
        assert "Anti-personnel mines only" in (pack / name).read_text(encoding="utf-8"), name
    assert "Hazard: anti-personnel mines." in (pack / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_land_near_a_layer_is_cut_and_its_tasks_are_made_anew(tiny_copy, tmp_path):
    asked = Filters(near=("settlements",), within_m=2_000)
    make_packs(open_request(tiny_copy, asked), tmp_path / "pack")
    part, _ = read_raster(tmp_path / "pack" / "probability.tif")
    predicted = write_maps(open_request(tiny_copy, asked), tmp_path / "same")
    assert "probability.tif" in predicted.maps
    same, _ = read_raster(tmp_path / "same" / "probability.tif")
    np.testing.assert_array_equal(part, same)
    tasks = pyogrio.read_dataframe(tmp_path / "pack" / "tasks.gpkg", layer="tasks")
    places = Run.open(tiny_copy).layers().vector("settlements", crs=str(tasks.crs))
    assert len(tasks)
    # A cell is near if its centre is: its corner lies half a diagonal further, at most.
    corners = tasks.get_coordinates()
    near = gpd.GeoSeries.from_xy(corners.x, corners.y, crs=tasks.crs).distance(places.union_all())
    assert near.max() <= 2_000 + 250 * 2**0.5


def test_land_too_small_for_a_task_of_its_own_has_maps_and_the_tasks_that_touch_it(
    tiny_copy, tmp_path
):
    asked = Filters(near=("settlements",), within_m=300)  # a cell or two, and tasks have 100 ha
    make_packs(open_request(tiny_copy, asked), tmp_path / "pack")
    known = pyogrio.read_dataframe(tiny_copy / "tasks.gpkg", layer="tasks")
    area = request_area(Run.open(tiny_copy), asked).union_all()
    tasks = pyogrio.read_dataframe(tmp_path / "pack" / "tasks.gpkg", layer="tasks")
    assert list(tasks["task"]) == list(known[known.intersects(area)]["task"])
    assert NO_TASK in (tmp_path / "pack" / "README.txt").read_text(encoding="utf-8")
    assert np.isfinite(read_raster(tmp_path / "pack" / "probability.tif")[0]).any()


def test_a_public_copy_never_tells_the_land_near_finds(tiny_run, tmp_path):
    asked = Filters(near=("simulated_finds",), within_m=2_000)
    with pytest.raises(InputError, match="would tell where finds are"):
        make_packs(open_request(tiny_run, asked), tmp_path / "pack", public=True, unapproved=True)


@pytest.mark.parametrize("language", ["az", "ru"])
def test_legends_and_words_are_in_the_language_asked_for(run_with_class, tmp_path, language):
    make_packs(open_request(run_with_class, Filters()), tmp_path / "pack", language=language)
    told, pack = texts(language), tmp_path / "pack"
    legend = (pack / "risk_class.qml").read_text(encoding="utf-8")
    assert told.say(CLASS_WORDS[LOWER]) in legend
    assert CLASS_WORDS[LOWER] not in legend
    assert told.ramp(PROBABILITY_RAMP)[0][2] in (pack / "probability.qml").read_text("utf-8")
    project = (pack / "map.qgs").read_text(encoding="utf-8")
    words = (pack / "README.txt").read_text(encoding="utf-8")
    for message in ("Survey tasks", "Risk class", "Anti-personnel mines"):
        assert f'name="{told.say(message)}"' in project
    assert told.say(USE) in words
    report = (pack / "report.html").read_text(encoding="utf-8")
    assert f'lang="{language}"' in report
    title = Run.open(run_with_class).config.study_area.title_in(language)
    assert title != Run.open(run_with_class).config.study_area.title
    for page in (project, words, report, (pack / "MODEL_CARD.md").read_text(encoding="utf-8")):
        assert title in page
    sheets = [name for name, _ in pyogrio.list_layers(pack / "tasks.xlsx")]
    assert sheets == [told.say("Read first"), told.say("Survey tasks")]
    day = Run.open(run_with_class).day
    assert day is not None
    assert f"{day:%d.%m.%Y}" in words
    assert f"{day:%d.%m.%Y}" in report
    assert not re.search(r">\d+\.\d+( %)?<", report)
    assert raster_tags(pack / "risk_class.tif")["FINDINGS"] == "SIMULATED"


def test_a_language_that_is_not_there_is_refused_before_anything_is_taken_away(packs, tiny_run):
    with pytest.raises(InputError, match="expected one of en, az, ru"):
        make_packs(open_request(tiny_run, Filters()), packs[0], language="de")
    assert (packs[0] / "manifest.json").is_file()


def test_a_pack_that_cannot_be_finished_leaves_the_earlier_one(tiny_run, tmp_path, monkeypatch):
    asked = open_request(tiny_run, Filters(hazard="any"))
    (out,) = make_packs(asked, tmp_path / "pack")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("minerisk.pipelines.request.pack.pack_page", full)
        with pytest.raises(OSError, match="No space left"):
            make_packs(asked, out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["pack"]
    make_packs(asked, out)


@pytest.mark.parametrize("name", ["...gpkg", "..gpkg", ".gpkg", "a/..gpkg"])
def test_the_title_of_a_request_is_no_way_out_of_a_folder(name):
    assert Filters(aoi=name).title not in {"", ".", ".."}
