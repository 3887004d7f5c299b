"""What stands in addresses: ids of rows, and places."""

from typing import Annotated

from fastapi import Path, Query

Id = Annotated[str, Path(pattern="^[0-9a-f]{16,32}$")]
LongId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Longitude = Annotated[float, Query(ge=-180, le=180)]
Latitude = Annotated[float, Query(ge=-90, le=90)]
