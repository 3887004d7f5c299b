"""Files of other programs: COG, GeoPackage, QML, PAM, QGIS project, STAC, IMSMA."""
