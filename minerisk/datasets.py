"""Study areas that come with minerisk: open layers of real land, for SIMULATED findings only.

>>> import minerisk.datasets
>>> area = minerisk.datasets.tiny()
>>> area.layers.names()[:3]
['study_area', 'elevation', 'front_line']
>>> area.geobox.shape.yx
(60, 62)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minerisk.pipelines.notebook.example_area import ExampleArea

__all__ = ["karabakh", "tiny"]


def karabakh() -> "ExampleArea":
    """Return the study area of ``make demo``: 13,154 km² at 250 m."""
    from minerisk.pipelines.notebook.example_area import ExampleArea

    return ExampleArea("karabakh")


def tiny() -> "ExampleArea":
    """Return a 30 km square of it at 500 m, which runs in a minute."""
    from minerisk.pipelines.notebook.example_area import ExampleArea

    return ExampleArea("tiny")
