"""Pictures inside a page."""

import base64


def data_uri(image: bytes) -> str:
    """Encode a PNG so that it is part of the page itself."""
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")
