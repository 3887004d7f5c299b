"""From a scanned map to lines on the ground: ink of a colour, thinned, joined and georeferenced."""
