"""What a layer shows, told by parts of its name where nothing else tells it."""

RIVERS = ("river", "stream", "canal")
OPEN_WATER = ("water", "lake")
ROADS = ("road", "highway", "street")
RAILWAYS = ("rail",)
TRACKS = ("track", "trail")
"""Lead people too, but may as well be of armies: only where whoever looks knows the layer."""
PLACES = ("settle", "place", "town", "village")


def is_called(name: str, parts: tuple[str, ...]) -> bool:
    """Tell whether a name has one of these parts."""
    folded = name.lower()
    return any(part in folded for part in parts)
