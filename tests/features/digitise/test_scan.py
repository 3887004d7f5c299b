"""A scan is read as it is seen, and what is no scan is refused before it can do harm."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minerisk.features.digitise.scan import read_scan
from minerisk.features.errors import InputError


@pytest.fixture
def picture() -> Image.Image:
    values = np.random.default_rng(1).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    return Image.fromarray(values)


@pytest.mark.parametrize("name", ["a.png", "a.TIF", "a.tiff"])
def test_png_and_tiff_are_read_to_the_bit(picture: Image.Image, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    picture.save(path, format="TIFF" if "tif" in name.lower() else "PNG")
    assert np.array_equal(read_scan(path), np.asarray(picture))


def test_a_jpeg_is_read_as_it_is_seen(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (115, 60, 70)).save(tmp_path / "a.jpg", quality=90)
    assert np.abs(read_scan(tmp_path / "a.jpg").astype(int) - (115, 60, 70)).max() <= 3


def test_a_palette_and_cmyk_are_colours_too(tmp_path: Path) -> None:
    red = Image.new("RGB", (8, 8), (200, 10, 20))
    red.quantize(4).save(tmp_path / "palette.png")
    red.convert("CMYK").save(tmp_path / "cmyk.tif")
    for name in ("palette.png", "cmyk.tif"):
        assert np.abs(read_scan(tmp_path / name).astype(int) - (200, 10, 20)).max() <= 2


def test_what_is_transparent_is_white_paper(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert (read_scan(tmp_path / "a.png") == 255).all()


def png_head(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


@pytest.mark.parametrize("size", [(10_001, 10_000), (60_000, 60_000)])
def test_a_picture_of_too_many_pixels_is_refused_by_its_head(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_head(*size))
    with pytest.raises(InputError, match=r"at most 100,000,000 are taken\. Cut it"):
        read_scan(path)


def test_a_damaged_picture_is_refused(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:900])
    with pytest.raises(InputError, match=r"cut\.png is damaged"):
        read_scan(tmp_path / "cut.png")


def test_a_picture_of_another_kind_than_its_name_says_is_refused(
    picture: Image.Image, tmp_path: Path
) -> None:
    picture.save(tmp_path / "a.png", format="GIF")
    with pytest.raises(InputError, match="no PNG file"):
        read_scan(tmp_path / "a.png")


def test_a_picture_that_is_to_be_turned_is_refused(picture: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    picture.save(tmp_path / "a.jpg", exif=exif)
    with pytest.raises(InputError, match=r"EXIF orientation 6"):
        read_scan(tmp_path / "a.jpg")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16"])
def test_a_grey_scan_is_refused(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="is grey"):
        read_scan(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.pdf", "a.gif", "none.png", "folder.png"])
def test_what_is_no_scan_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match=r"JPEG, PNG or TIFF|expected one of \.jpg"):
        read_scan(tmp_path / name)
