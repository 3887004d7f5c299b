"""What GDAL, PROJ and their like may do in a process of minerisk, as environment variables."""

from collections.abc import Mapping

_SKIPPED_DRIVERS = (
    "VRT,OGR_VRT,GTI,WMS,WCS,WMTS,HTTP,STACIT,STACTA,EEDA,EEDAI,WFS,OAPIF,OGCAPI,CSW,PLSCENES,"
    "PLMOSAIC,Elasticsearch,Carto,AmigoCloud,GeoRSS,PDF,KMLSUPEROVERLAY,DERIVED,GDALG,NGW,ADBC,"
    "GPSBabel,DAAS"
)
"""Drivers of GDAL that follow references to other files, or call the network."""


def gdal_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep GDAL and PROJ from other files and from the network.

    The proxy is of a kind that curl does not know: what gets past the checks opens no socket.

    Parameters
    ----------
    environment
        What is set already; drivers that it skips stay skipped.
    """
    already = environment.get("GDAL_SKIP", "").replace(",", " ").split()
    skipped = dict.fromkeys([*already, *_SKIPPED_DRIVERS.split(",")])
    return {
        "GDAL_SKIP": ",".join(skipped),
        "GDAL_HTTP_PROXY": "none://127.0.0.1:9",
        "GDAL_HTTPS_PROXY": "none://127.0.0.1:9",
        "GDAL_HTTP_MAX_RETRY": "0",
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "OGR_SQLITE_LOAD_EXTENSIONS": "",
        "PROJ_NETWORK": "OFF",
    }
