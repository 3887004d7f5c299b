"""Pictures inside a page."""

import base64


def data_uri(image: bytes) -> str:
    """Put a PNG into the page itself."""
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")
