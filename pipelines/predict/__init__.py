"""Risk rasters, tile by tile."""
