"""Maps as pictures of 256 pixels: of the desk's own rasters only, in the colours of the report."""
