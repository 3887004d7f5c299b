"""Raster files as people have them: units, nodata, what lies beside them, where cells lie."""
