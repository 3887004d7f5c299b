"""IMSMA field names and evidence words for what a request hands over.

A model output is indirect evidence. No field here opens, closes or classifies a hazardous area:
`Status_1` and land classification are left to the national authority.
"""

import uuid
from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

FIELDS: Mapping[str, str] = {
    "imsma_id": "id",
    "Activity": "Activity",
    "Evid_Cont": "Evidence Of Contamination",
    "Evid_Type": "Indirect Evidence",
    "Src_Reliab": "Reliability of Source",
    "Inf_Reliab": "Reliability of Information",
    "Hazard_Cla": "Hazard Classification",
}
"""Column (ten characters at most, as in a Shapefile) to the IMSMA field it stands for."""

HAZARDS: Mapping[str, str] = {
    "ap": "Landmine / Antipersonnel",
    "at": "Landmine / Antivehicle",
    "uxo": "UXO/AXO",
    "any": "Not Specified",
    "found": "Not Specified",
}
CODES: Mapping[str, Sequence[str]] = {
    "Activity": ("NTS", "TS", "Clearance", "BAC", "EOD spot task"),
    "Evid_Cont": ("Indirect", "Direct", "None", "Not Specified"),
    "Src_Reliab": tuple("ABCDEF"),
    "Inf_Reliab": tuple("123456"),
    "Hazard_Cla": tuple(dict.fromkeys(HAZARDS.values())),
    "Land_Class": ("CHA", "SHA", "Cleared Area"),
}
"""What IMSMA knows for a column; whoever edits a task chooses among these.

What becomes of land is decided in IMSMA, never in a file that goes to it.
"""
TASK_SPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "task.minerisk")
CENTIMETRES = 100
LAND: Mapping[str, tuple[str, str, str]] = {
    "find": ("", "Direct", "visual observations"),
    "accident": ("", "Direct", "accidents with known location"),
    "confirmed": ("CHA", "Direct", "Not Specified"),
    "suspicion": ("SHA", "Indirect", "Not Specified"),
    "cleared": ("Cleared Area", "Not Specified", "Not Specified"),
}
"""Kind of evidence of a layer: land classification, evidence of contamination, its type."""


def task_fields(tasks: gpd.GeoDataFrame, *, study_area: str, hazard: str) -> gpd.GeoDataFrame:
    """Add the IMSMA fields to the first columns of survey tasks.

    Parameters
    ----------
    tasks
        As `prioritize.task_frame` makes them; its ``activity`` and ``evidence`` are replaced.
    study_area
        Name that makes the ids unique.
    hazard
        ``ap``, ``at``, ``uxo``, ``any`` or ``found`` (any hazard, ranked for finds).

    Returns
    -------
    GeoDataFrame
        ``F`` and ``6``: reliability that cannot be judged, which is true of every model.
        ``GlobalID`` is made of study area, hazard, number and land: the same task has it in every
        pack, however often packs are made; a task of the same number on other land has another.
    """
    plain = tasks.drop(columns=["activity", "evidence"], errors="ignore")
    words = {
        "imsma_id": study_area + "-" + plain["task"].astype(str),
        "GlobalID": [
            global_id(study_area, hazard, str(name), land)
            for name, land in zip(plain["task"], plain.geometry, strict=True)
        ],
        "Activity": "NTS",
        "Evid_Cont": "Indirect",
        "Evid_Type": "modelled ranking for desk assessment",
        "Src_Reliab": "F",
        "Inf_Reliab": "6",
        "Hazard_Cla": HAZARDS[hazard],
    }
    found = plain.assign(**words)
    return found[["task", *words, *(name for name in plain.columns if name != "task")]]


def global_id(study_area: str, hazard: str, task: str, land: BaseGeometry) -> str:
    """Make the id of a task as ArcGIS writes a GlobalID: capitals in braces.

    It depends on the corners of the land, to the centimetre, in whatever order they come.
    """
    corners = np.unique(np.round(shapely.get_coordinates(land) * CENTIMETRES), axis=0)
    place = ",".join(f"{easting:.0f} {northing:.0f}" for easting, northing in corners + 0.0)
    name = "|".join([study_area, hazard, task, place])
    return f"{{{uuid.uuid5(TASK_SPACE, name)}}}".upper()


def land_fields(frame: gpd.GeoDataFrame, *, layer: str, evidence: str) -> gpd.GeoDataFrame:
    """Describe findings and registered areas in IMSMA words, by the kind of evidence of the layer.

    Columns of the source are left behind: they may hold names of people. An ``imsma_id`` or ``id``
    of the source is kept.
    """
    known = next((name for name in ("imsma_id", "id") if name in frame.columns), None)
    land, contamination, words = LAND[evidence]
    ids = [f"{layer}-{place}" for place in range(1, len(frame) + 1)]
    return gpd.GeoDataFrame(
        {
            "imsma_id": ids if known is None else frame[known].astype(str).to_list(),
            "layer": layer,
            "Land_Class": land,
            "Evid_Cont": contamination,
            "Evid_Type": words,
        },
        geometry=frame.geometry.to_numpy(),
        crs=frame.crs,
    )
