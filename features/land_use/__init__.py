"""Land cover, roads, settlements: distances, densities, edges."""
