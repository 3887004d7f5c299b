"""The layers of a study area: where they lie, and how they are read."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from minerisk.configs.bounds import Frozen, Keep, Name


def _inside_folder(path: str) -> str:
    """Refuse a path into the folder of a run, or of survey results, that leaves it again."""
    _, _, inner = path.partition("/")
    parts = PurePosixPath(inner.replace("\\", "/")).parts
    if path.startswith("@") and (".." in parts or parts[:1] == ("/",)):
        raise ValueError("a path that begins with @ stays in that folder; leave out .. and /")
    return path


LayerPath = Annotated[str, AfterValidator(_inside_folder)]


class Districts(Frozen):
    """Named land that people ask for and compare; it plays no part in training or testing."""

    layer: Name = Field(description="polygons, one or more a district")
    name_column: str = Field(description="column of that layer with the names of the districts")


class Coverage(Frozen):
    """Where a layer speaks, in one of four ways. Elsewhere its features are nodata."""

    layer: Name | None = Field(
        None,
        description="a layer of this file: its polygons, or the cells of a raster that have a "
        "value",
    )
    in_file: str | None = Field(
        None, description="a layer of polygons in the same file, such as the frames of sheets"
    )
    bounds: tuple[float, float, float, float] | None = Field(
        None, description="west, south, east, north"
    )
    crs: str | None = Field(None, description="CRS of bounds; none: that of the study area")
    valid_cells: bool = Field(False, description="of a raster: its own cells that have a value")

    @model_validator(mode="after")
    def _one_way(self) -> "Coverage":
        ways = (self.layer, self.in_file, self.bounds, self.valid_cells or None)
        given = sum(way is not None for way in ways)
        if given != 1:
            raise ValueError(
                f"{given} of layer, in_file, bounds and valid_cells are given; expected one"
            )
        if self.crs is not None and self.bounds is None:
            raise ValueError("crs is that of bounds, which are not given; leave it out")
        if self.bounds is not None and not (
            self.bounds[0] < self.bounds[2] and self.bounds[1] < self.bounds[3]
        ):
            raise ValueError("bounds are west, south, east, north; expected each pair to rise")
        return self


class RasterLayer(Frozen):
    """One band of a GeoTIFF, COG or Zarr array."""

    kind: Literal["raster"] = Field("raster", description="kind of layer")
    path: LayerPath = Field(description="file, relative to data_root")
    band: int | None = Field(
        None,
        ge=1,
        description="band number, from 1: of a GeoTIFF, the first where none is given; of a Zarr "
        "array, along its third dimension",
    )
    variable: str | None = Field(None, description="array name, Zarr only")
    resampling: Literal["bilinear", "nearest", "mode", "average"] = Field(
        "bilinear", description="bilinear for surfaces, nearest or mode for classes"
    )
    unit: str | None = Field(
        None,
        description="unit of the values, such as m, ft or %; none: what the file states. Elevation "
        "is converted to metres, and taken to be in metres where nothing states a unit",
    )
    nodata: tuple[float, ...] = Field(
        (),
        description="values that mean that nothing was measured, besides those that the file "
        "declares; as they are stored, before scale and offset",
    )
    valid_range: tuple[float, float] | None = Field(
        None,
        description="least and greatest value that make sense, in the layer's unit; others are "
        "errors. Without it, values that look like undeclared nodata are",
    )
    coverage: Coverage | None = Field(
        None,
        description="the land that it speaks for; elsewhere features of it are nodata. None: it "
        "speaks everywhere, and nothing drawn means that nothing is there",
    )
    optional: bool = Field(
        False,
        description="the file may be absent: features that read it are left out, and reported",
    )
    source: str = Field("", description="who made it, and when")
    licence: str = Field("", description="licence and attribution")


class VectorLayer(Frozen):
    """One layer of a GeoPackage, GeoJSON, Shapefile, FlatGeobuf, GeoParquet or CSV file."""

    kind: Literal["vector"] = Field("vector", description="kind of layer")
    path: LayerPath = Field(description="file, relative to data_root")
    layer: str | None = Field(None, description="layer name, where the file has more than one")
    crs: str | None = Field(
        None,
        description="CRS of the coordinates, of a CSV file or of one that does not state it; one "
        "that the file contradicts is refused",
    )
    easting: str | None = Field(None, description="CSV column of easting or longitude")
    northing: str | None = Field(None, description="CSV column of northing or latitude")
    keep: Keep = Field(
        default_factory=dict,
        description="column: values to keep; other rows are left out. Text in quotes where YAML "
        "would read something else: 'No', '007', '2020-06-30'",
    )
    date_column: str | None = Field(None, description="column with the date of each record")
    date_format: str | None = Field(
        None,
        description="how its dates are written, such as %d.%m.%Y, or epoch_ms for milliseconds "
        "since 1970; dates such as 1994-05-31 need none",
    )
    position_error_m: float = Field(
        0.0, ge=0, le=50_000, description="stated positional error of the geometry, metres"
    )
    coverage: Coverage | None = Field(
        None,
        description="the land that it speaks for; elsewhere features of it are nodata. None: it "
        "speaks everywhere, and nothing drawn means that nothing is there",
    )
    optional: bool = Field(
        False,
        description="the file may be absent: features that read it are left out, and reported",
    )
    source: str = Field("", description="who made it, and when")
    licence: str = Field("", description="licence and attribution")


Layer = Annotated[RasterLayer | VectorLayer, Field(discriminator="kind")]
