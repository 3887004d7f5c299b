"""What a dossier says of quality: where a model is good, where it fails, what it leans on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from odc.geo.geom import point

from minerisk.features.cube.store import open_cube
from minerisk.pipelines.audit.dossier_land import land_of_regions
from minerisk.pipelines.audit.dossier_pages import Block, Cell, figures
from minerisk.pipelines.language.numbers import interval
from minerisk.pipelines.run.folder import Run

THIRDS = ("highest", "middle", "lowest")


def quality(record: Mapping[str, Any], metrics: Mapping[str, Any], run: Run) -> list[Block]:
    """Say how good it is: far and near, region by region, by hazard class, and where it fails."""
    found = record["assessment"]
    blocks = [Block("In a sentence", (found["verdict"],))]
    blocks += [
        Block(
            row["heading"],
            (f"{row['words'].rstrip('.')}; {row['folds']} folds.",),
            ("Model", *columns),
            [
                (
                    f"{name} (this map)" if name == record["model"]["kind"] else name,
                    *(_pair(scores.get(column)) for column in columns),
                )
                for name, scores in row["models"].items()
            ],
        )
        for row in found["protocols"]
        for columns in [_columns(row["models"].values())]
    ]
    blocks += [
        _regions(found["regions"], metrics, run),
        land_of_regions(run),
        Block(
            "By hazard class",
            ("Where the finds of each class lie, left-out land cut in thirds by probability.",),
            ("Found", "Cells", "Highest third", "Middle", "Lowest third"),
            [
                (row["words"], f"{row['positive']:,}", *(row.get(n, "–") for n in THIRDS))
                for row in found["hazards"]
            ],
        ),
        Block(
            "Does a probability mean what it says? (far)",
            (),
            ("Measure", "Value"),
            [(words, _pair(value)) for words, value in found["calibration"].items()],
        ),
        _cover(found["cover"]),
        Block(
            "Land unlike the surveyed land",
            record["prediction"],
            ("Dissimilarity (1: the limit)", "Share of the land", "Surveyed cells like it",
             "Expected error"),
            [(row["words"], row["share"], row["density"], row["error"])
             for row in found["novelty"]],
        ),
        Block("Known failures", record["known_failures"]),
    ]  # fmt: skip
    drawn = figures(run.folder, ("capture", "reliability", "regions", "folds"))
    return [*blocks, Block("Figures", figures=drawn)]


def _columns(models: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for scores in models for name in scores))


def _pair(value: Sequence[str] | None) -> Cell:
    return "–" if value is None else (value[0], value[1])


def _regions(rows: Sequence[Mapping[str, Any]], metrics: Mapping[str, Any], run: Run) -> Block:
    """Give each region with its place, so that a reader can pick those like theirs."""
    places = {row["region"]: row for row in metrics.get("regions", [])}
    return Block(
        "Region by region, each left out whole",
        (
            "Pick the regions most like your land; the next table says what they are like. "
            "Predicted: mean probability of a model that did not see the region. Found: share of "
            "its cells with a finding, with its 90 % interval.",
        ),
        ("Region", "Latitude, longitude", "Cells", "With a finding", "ROC-AUC", "Predicted",
         "Found", "Predicted lies"),
        [
            (
                str(row["region"]),
                _place(places.get(row["region"], {}), run),
                row["cells"],
                row["positive"],
                _pair(row["auc"]),
                row["predicted"],
                _pair(row["observed"]),
                row["outside"] or "within",
            )
            for row in rows
        ],
    )  # fmt: skip


def _place(row: Mapping[str, Any], run: Run) -> str:
    if not {"easting", "northing"} <= row.keys():
        return "–"
    centre = point(row["easting"], row["northing"], run.config.study_area.crs)
    (longitude, latitude), *_ = centre.to_crs("EPSG:4326").coords
    return f"{latitude:.2f}, {longitude:.2f}"


def _cover(rows: Sequence[Mapping[str, Any]]) -> Block:
    return Block(
        "Does the interval hold what it states?",
        (),
        ("Land", "Stated", "Held", "Groups of cells", "Blocks"),
        [
            (row["name"], row["stated"], _pair(row["cover"]), row["groups"], row["blocks"])
            for row in rows
        ],
    )


def if_dropped(
    run: Run, metrics: Mapping[str, Any], ablation: Mapping[str, Any] | None
) -> list[Block]:
    """Say layer by layer what is made of it, and what the model loses without that."""
    families = {str(row["family"]): row for row in metrics.get("importance", [])}
    return [
        Block(
            "Layer by layer",
            (
                "Fall in ROC-AUC on left-out land when all columns of a family are shuffled, with "
                "its 90 % interval. An interval that holds 0: no loss can be told from chance. A "
                "column made of two layers stands under both. Shuffling is not dropping: a new "
                "model can make up for a layer by another. Near zero does not mean useless.",
            ),
            ("Layer", "Family", "Columns made of it", "Fall in ROC-AUC when shuffled"),
            list(_layer_rows(run, families)),
        ),
        Block(
            "Family by family",
            (),
            ("Family", "Fall in ROC-AUC when shuffled"),
            [(name.replace("_", " "), _fall(row)) for name, row in families.items()],
            figures(run.folder, ("importance",)),
        ),
        _ablation(ablation),
        Block(
            "To be certain",
            (
                "Copy config.yaml (it is in files/), take the layer and the features that name it "
                "out, make the run, and hold one against the other. The map of what changes is "
                "difference/rank_shift.png.",
            ),
            commands=(
                "minerisk run without_layer.yaml --out WITHOUT",
                "minerisk compare RUN WITHOUT --out difference",
            ),
        ),
    ]


def _layer_rows(run: Run, families: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Cell, ...]]:
    made: dict[str, list[tuple[str, str]]] = {name: [] for name in run.config.layers}
    if (run.files.cube).exists():
        for name, array in open_cube(run.files.cube).data_vars.items():
            for layer in str(array.attrs.get("layer", "")).split(", "):
                if layer in made:
                    made[layer].append((str(name), _family(array.attrs, families)))
    for layer in (item.layer for item in run.config.labels.positive):
        made.get(layer, []).append(("labels and past findings", "past_findings"))
    searched = run.config.labels.surveyed
    for layer, columns in sorted(made.items()):
        if layer == searched:
            yield layer, "–", "labels: where people looked; without it there is no negative", "–"
        elif not columns:
            yield layer, "–", "no column of the model", "–"
        for family in dict.fromkeys(family for _, family in columns):
            names = ", ".join(name for name, own in columns if own == family)
            yield layer, family.replace("_", " "), names, _fall(families.get(family))


def _family(attrs: Mapping[str, Any], families: Mapping[str, Any]) -> str:
    """Give the family under which importance counts a column: its layer, for distances."""
    own = [*str(attrs.get("layer", "")).split(", "), str(attrs.get("family", ""))]
    return next((name for name in reversed(own) if name in families), own[-1])


def _fall(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return "not measured"
    return interval([row["drop"], row["low"], row["high"]])


def _ablation(found: Mapping[str, Any] | None) -> Block:
    if found is None:
        words = (
            "Not measured. The command below trains anew without each family; what it writes is "
            "shown here by: minerisk audit export RUN --out DIR --ablation ablation.json",
        )
        commands = ("minerisk ablate config.yaml --out ABLATION",)
        return Block("Trained anew without it", words, commands=commands)
    rows = [
        (
            str(row["family"]).replace("_", " "),
            str(row["change"]),
            str(row["protocol"]),
            str(row["measure"]).replace("_", " "),
            interval([row["difference"], row["lower"], row["upper"]]),
        )
        for row in found["rows"]
    ]
    return Block(
        "Trained anew without it",
        (str(found["words"]),),
        ("Family", "Change", "Test", "Measure", "Difference"),
        rows,
    )
