"""The dossier of a run: does it answer what a reviewer asks, with nothing but its own folder?"""

import html
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from minerisk.features.cube.store import open_cube
from minerisk.features.errors import InputError
from minerisk.models.folds.protocol import ProtocolName, Splitter
from minerisk.pipelines.audit.decide import Decision, review_run
from minerisk.pipelines.audit.dossier import PAGES, export_dossier
from minerisk.pipelines.language.messages import LANGUAGES, texts
from minerisk.pipelines.provenance.files import listing
from minerisk.pipelines.provenance.manifest import read_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.evaluations import (
    Ablation,
    AblationMeasure,
    AblationRow,
    Ablations,
    AblationSetup,
    Change,
)
from minerisk.pipelines.records.metrics import Trials
from minerisk.pipelines.run.folder import Run


@pytest.fixture(scope="module")
def dossier(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_dossier(tiny_run, tmp_path_factory.mktemp("out") / "dossier").parent


def text(path: Path) -> str:
    return html.unescape(path.read_text(encoding="utf-8"))


def test_every_page_is_there_and_leads_to_every_other(dossier: Path) -> None:
    for name in PAGES:
        links = re.findall(r'href="([^"]*)"', text(dossier / f"{name}.html"))
        assert {f"{other}.html" for other in PAGES if other != name} <= set(links)
        assert all((dossier / link).is_file() for link in links)


def test_nothing_is_asked_of_a_network_and_nothing_runs(dossier: Path) -> None:
    for path in dossier.glob("*.html"):
        page = text(path)
        assert "default-src 'none'" in page
        sources = re.findall(r'(?:src|href)="([^"]*)"', page)
        assert not [s for s in sources if re.match(r"(?!data:image/png)(\w+:|//)", s)]
        assert "<script" not in page


def test_what_went_in_is_there_by_hash_source_and_licence(dossier: Path, tiny_run: Path) -> None:
    page = text(dossier / "went_in.html")
    for stage in read_manifest(RunFolder(tiny_run)).stages:
        for name, digest in stage.inputs.items():
            if name.startswith("layer:"):
                assert digest in page
    assert "NOAA GLOBE, 30 arc-seconds" in page
    assert "Evidence that carries a date is from " in page


def test_every_region_is_there_with_its_place(dossier: Path, tiny_run: Path) -> None:
    metrics = json.loads((tiny_run / "metrics.json").read_text(encoding="utf-8"))
    page = text(dossier / "quality.html")
    for row in metrics["reliability_by_region"]:
        assert f'<td class="n">{row["cells"]:,}</td>' in page
    assert "Far: whole regions" in page
    assert "On land like this: " in page
    places = re.findall(r"<td>(\d+\.\d\d), (\d+\.\d\d)</td>", page)
    assert len(places) == len(metrics["reliability_by_region"])
    assert all(39 < float(lat) < 40 and 46 < float(lon) < 48 for lat, lon in places)


def test_every_region_is_there_with_what_its_land_is_like(dossier: Path, tiny_run: Path) -> None:
    page = text(dossier / "quality.html")
    table = page.split("What the land of each region is like")[1].split("</table>")[0]
    heads = re.findall(r"<th>([^<]*)</th>", table)
    assert heads == ["Land", "km²", "From the front line, km", "Height, m", "Slope, degrees",
                     "From a settlement, km"]  # fmt: skip
    cube = open_cube(tiny_run / "cube.zarr")
    labels = xr.open_zarr(tiny_run / "labels.zarr", chunks=None, consolidated=False)
    chosen = cube["inside"].to_numpy().astype(bool) & (labels["region"].to_numpy() == 0)
    low, middle, high = np.nanpercentile(cube["elevation_m"].to_numpy()[chosen], (10, 50, 90))
    (row,) = re.findall(r"<td>Region 0</td>(.*?)</tr>", table, re.DOTALL)
    assert f"<td>{chosen.sum() / 4:,.0f}</td>" in row  # cells of 500 m
    assert f'>{middle:,.0f}<span class="range">{low:,.0f} to {high:,.0f}<' in row
    assert "No names of districts were at hand." in page


def test_every_layer_is_there_with_what_falls_without_it(dossier: Path, tiny_run: Path) -> None:
    metrics = json.loads((tiny_run / "metrics.json").read_text(encoding="utf-8"))
    page = text(dossier / "layers.html")
    for row in metrics["importance"]:
        assert f"{row['drop']:.3f}" in page
    rows = re.findall(r"<tr><td>(\w+)</td>\s*<td>([\w ]+)</td>\s*<td>([^<]*)</td>", page)
    made = {layer: (family, columns) for layer, family, columns in rows}
    assert made["streams"][0] == "streams"
    assert made["elevation"][0] == "terrain"
    assert "slope_deg" in made["elevation"][1]
    assert "front_distance_m" in made["front_line"][1]
    assert "streams_distance_m" not in made["front_line"][1]


def test_every_tried_setting_is_there(dossier: Path, tiny_run: Path) -> None:
    searches = Trials.read(tiny_run / "trials.json").searches
    page = text(dossier / "settings.html")
    for search in searches.values():
        for trial in search.trials:
            assert f"<td>{trial.scores.objective:.6g}</td>" in page
    chosen = sum(len(search.chosen) for search in searches.values())
    assert page.count("<td>chosen</td>") >= chosen


def test_every_figure_is_there(dossier: Path, tiny_run: Path) -> None:
    pages = "".join(text(path) for path in dossier.glob("*.html"))
    for path in (tiny_run / "figures").glob("*.png"):
        assert (dossier / "figures" / path.name).read_bytes() == path.read_bytes()
        assert f"figures/{path.name}" in pages


def test_the_whole_chain_is_there(dossier: Path, tiny_run: Path) -> None:
    manifest = read_manifest(RunFolder(tiny_run))
    page = text(dossier / "reviews.html")
    assert manifest.head in page
    for stage in manifest.stages:
        assert stage.before in page
        assert all(digest in page for digest in stage.outputs.values())


def test_sha256sums_are_those_of_the_files(dossier: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(dossier, tmp_path / "copy")
    stated = (copy / "SHA256SUMS").read_bytes()
    (copy / "SHA256SUMS").unlink()
    assert stated == listing(copy)


def test_the_same_run_gives_the_same_bytes(dossier: Path, tiny_run: Path, tmp_path: Path) -> None:
    again = export_dossier(tiny_run, tmp_path / "again").parent
    assert (again / "SHA256SUMS").read_bytes() == (dossier / "SHA256SUMS").read_bytes()


def test_simulated_and_draft_stand_on_every_page(dossier: Path) -> None:
    for name in PAGES:
        page = text(dossier / f"{name}.html")
        assert "SIMULATED findings: no accuracy may be claimed" in page
        assert "State: <b>draft</b>. Not approved" in page


def test_words_of_a_reviewer_are_words_and_no_html(tiny_copy: Path, tmp_path: Path) -> None:
    note = '<img src="https://example.org/a.png"><script>alert(1)</script>'
    review_run(Run.open(tiny_copy), Decision("reject", by="reviewer <b>7</b>", note=note))
    folder = export_dossier(tiny_copy, tmp_path / "dossier").parent
    for name in ("index", "reviews"):
        raw = (folder / f"{name}.html").read_text(encoding="utf-8")
        assert "<script" not in raw
        assert "example.org/a.png&#34;" in raw
        assert "reviewer &lt;b&gt;7" in raw


def test_a_run_that_was_changed_says_so_on_the_first_page(tiny_copy: Path, tmp_path: Path) -> None:
    (tiny_copy / "tasks.csv").write_bytes((tiny_copy / "tasks.csv").read_bytes() + b"\n")
    folder = export_dossier(tiny_copy, tmp_path / "dossier").parent
    assert re.search(r"Audit: \d+ PROBLEM", text(folder / "index.html"))
    assert "tasks.csv was changed since stage prioritize wrote it" in text(folder / "reviews.html")


def write_ablation(path: Path, *, difference: float, area: str = "tiny") -> None:
    """Write an ablation of one family, dropped, on far folds."""
    setup = AblationSetup(
        cells=1_678,
        positive=131,
        resolution_m=500.0,
        far_folds=4,
        near_folds=3,
        near_splitter=Splitter.KNNDM,
        block_m=5_000.0,
        most_members=4,
        most_negatives_per_positive=4.0,
    )
    row = AblationRow(
        family="terrain",
        change=Change.DROPPED,
        protocol=ProtocolName.FAR,
        measure=AblationMeasure.ROC_AUC,
        difference=difference,
        lower=difference - 0.01,
        upper=difference + 0.01,
    )
    found = Ablation(
        title=area, simulated=True, command="it", setup=setup, base=("terrain",), rows=(row,)
    )
    areas = Ablations(schema_version=Ablations.version, areas={area: found})
    path.write_text(areas.to_json(), encoding="utf-8")


def test_an_ablation_is_shown_and_what_is_none_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "ablation.json"
    write_ablation(path, difference=-0.0123)
    page = text(export_dossier(tiny_run, tmp_path / "a", ablation=path).parent / "layers.html")
    assert "-0.012" in page
    assert "at most 4 members" in page
    for content in ("[]", "{}", '{"words": "", "rows": [{}]}', "nothing"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match="ablation"):
            export_dossier(tiny_run, tmp_path / "b", ablation=path)
    write_ablation(path, difference=-0.01, area="elsewhere")
    with pytest.raises(InputError, match="of elsewhere; expected one of tiny"):
        export_dossier(tiny_run, tmp_path / "b", ablation=path)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_a_dossier_speaks_the_language_asked_for(
    tiny_run: Path, tmp_path: Path, language: str
) -> None:
    ablation = tmp_path / "ablation.json"
    write_ablation(ablation, difference=-0.0123)
    out = tmp_path / "dossier"
    folder = export_dossier(tiny_run, out, ablation=ablation, language=language).parent
    told = texts(language)
    for name, title in PAGES.items():
        page = text(folder / f"{name}.html")
        assert f'<html lang="{language}">' in page
        assert f"<b>{told.say(title)}</b>" in page
        assert f"<b>{title}</b>" not in page
    layers, went_in = (text(folder / f"{name}.html") for name in ("layers", "went_in"))
    assert "labelled cells of" not in layers
    assert f"<td>{told.say('dropped')}</td>" in layers
    for words in ("suspected area", "Any hazard"):
        assert f"<td>{told.say(words)}</td>" in went_in
    assert told.say("What it must not be used for") in text(folder / "index.html")
    assert told.say("Known failures") in (folder / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_a_folder_with_something_in_it_is_left_alone(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        export_dossier(tiny_run, tmp_path)
    with pytest.raises(InputError, match="lies in the run folder"):
        export_dossier(tiny_run, tiny_run / "dossier")
    assert [item.name for item in tmp_path.iterdir()] == ["mine.txt"]
