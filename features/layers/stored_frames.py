"""Rows of vector files as they are stored, read once while their files stay as they are."""

from pathlib import Path

import geopandas as gpd

from minerisk.features.layers import intake, vectors

SMALL = 100_000
"""Values and coordinates that are held at most, all small frames together."""

_State = tuple[str, int, int, int]
_Key = tuple[str | _State | None, ...]


class StoredFrames:
    """Frames read of vector files: the last one, and others as long as they are small together.

    A frame is read again when its file, or one that is read with it, has another size, time or
    place on the disk.
    """

    def __init__(self) -> None:
        self._small: dict[_Key, gpd.GeoDataFrame] = {}
        self._last: dict[_Key, gpd.GeoDataFrame] = {}

    def read(
        self,
        path: Path,
        *,
        layer: str | None = None,
        crs: str | None = None,
        easting: str | None = None,
        northing: str | None = None,
    ) -> gpd.GeoDataFrame:
        """Read a vector file as `vectors.read_frame` does; the frame is the caller's own.

        Raises
        ------
        InputError
            As from there.
        """
        files = map(_state, intake.layer_files(path))
        key = (layer, crs, easting, northing, *files)
        frame = self._small.get(key, self._last.get(key))
        if frame is not None:
            intake.sniff(path)  # another program may have begun to write it
            return frame.copy()
        frame = vectors.read_frame(path, layer=layer, crs=crs, easting=easting, northing=northing)
        if sum(map(_numbers, (*self._small.values(), frame))) <= SMALL:
            self._small[key] = frame
        else:
            self._last = {key: frame}
        return frame.copy()


def _state(path: Path) -> _State:
    status = path.stat()
    return str(path), status.st_ino, status.st_size, status.st_mtime_ns


def _numbers(frame: gpd.GeoDataFrame) -> int:
    return frame.size + int(frame.geometry.count_coordinates().sum())
