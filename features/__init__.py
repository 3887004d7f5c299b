"""Turn places into numbers: grid, sources, features, labels, cube.

Nothing in this room knows a configuration file, a run folder or MLflow.

Importing this package narrows what GDAL may open: drivers that follow references to other files
or call the network are switched off before rasterio and pyogrio load them.
"""

import os

_SKIPPED_DRIVERS = (
    "VRT,OGR_VRT,GTI,WMS,WCS,WMTS,HTTP,STACIT,STACTA,EEDA,EEDAI,WFS,OAPIF,OGCAPI,CSW,PLSCENES,"
    "PLMOSAIC,Elasticsearch,Carto,AmigoCloud,GeoRSS,PDF,KMLSUPEROVERLAY,DERIVED,GDALG,NGW,ADBC,"
    "GPSBabel,DAAS"
)


def _narrow_gdal() -> None:
    already = os.environ.get("GDAL_SKIP", "").replace(",", " ").split()
    skipped = dict.fromkeys([*already, *_SKIPPED_DRIVERS.split(",")])
    os.environ["GDAL_SKIP"] = ",".join(skipped)
    os.environ["CPL_VSIL_CURL_ALLOWED_EXTENSIONS"] = ".none"
    os.environ["GDAL_DISABLE_READDIR_ON_OPEN"] = "EMPTY_DIR"


_narrow_gdal()
