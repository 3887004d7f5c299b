"""The shape of the ground: slope, landform, wetness, visibility."""
