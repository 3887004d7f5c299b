"""Coordinate reference systems that a layer can be in: on the ground, and nothing else."""

import pyproj

from minerisk.features.errors import InputError


def horizontal(crs: pyproj.CRS, *, name: str) -> pyproj.CRS:
    """Return the horizontal part of a CRS, with two axes.

    Heights of a layer are values or are not read, so a vertical part changes no place.

    Parameters
    ----------
    crs
        Of a layer.
    name
        What it is the CRS of, for the message.

    Raises
    ------
    InputError
        If it is geocentric, local, undefined or vertical: no way leads from it to a map.

    Examples
    --------
    >>> horizontal(pyproj.CRS("EPSG:4326+5773"), name="dem.tif").name
    'WGS 84'
    """
    if crs.is_compound:
        return horizontal(crs.sub_crs_list[0], name=name)
    own = crs.source_crs if crs.is_bound and crs.source_crs is not None else crs
    if own.is_compound:
        return horizontal(own, name=name)
    if own.is_geocentric or not (own.is_geographic or own.is_projected):
        what = "geocentric" if own.is_geocentric else own.type_name.lower()
        raise InputError(
            f"{name} has the CRS {own.name!r}, which is {what}; expected one with easting and "
            "northing or longitude and latitude. Store the layer with its true CRS, such as "
            "EPSG:32638."
        )
    return crs if crs.is_bound or len(crs.axis_info) <= 2 else crs.to_2d()
