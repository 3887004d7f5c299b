"""The palette: kept apart in black and white, and never green."""

import colorsys
import itertools

import pytest

from minerisk.pipelines.formats.palette import (
    CANNOT_SAY,
    CLASS_COLOURS,
    DENSITY_RAMP,
    DISSIMILARITY_RAMP,
    ELEVATED,
    EXPECTED_ERROR_RAMP,
    HIGHER,
    LOWER,
    PROBABILITY_RAMP,
)

RAMPS = (PROBABILITY_RAMP, DISSIMILARITY_RAMP, DENSITY_RAMP, EXPECTED_ERROR_RAMP)


def lightness(colour: str) -> float:
    """CIE L* (0 black, 100 white) of an sRGB colour: what is left of it in black and white."""
    share = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in share]
    weights = (0.2126, 0.7152, 0.0722)
    luminance = sum(part * weight for part, weight in zip(linear, weights, strict=True))
    return 116 * luminance ** (1 / 3) - 16 if luminance > 216 / 24389 else luminance * 24389 / 27


def test_lightness_is_that_of_the_cie() -> None:
    assert lightness("#ffffff") == pytest.approx(100)
    assert lightness("#000000") == 0
    assert lightness("#777777") == pytest.approx(50, abs=0.1)  # the sRGB grey of L* 50


def test_classes_are_told_apart_in_black_and_white() -> None:
    light = {code: lightness(colour) for code, colour in CLASS_COLOURS.items()}
    for one, other in itertools.combinations(light.values(), 2):
        assert abs(one - other) >= 20
    assert light[HIGHER] < light[ELEVATED] < light[LOWER]
    assert light[CANNOT_SAY] < light[LOWER]  # never paler than lower, as if it were less of it


def test_a_scale_darkens_one_way_and_grey_stands_off_it() -> None:
    for ramp in RAMPS:
        light = [lightness(colour) for _, colour, _ in ramp]
        silent = light.index(min(light)) if ramp in (DISSIMILARITY_RAMP, DENSITY_RAMP) else None
        scale = [value for place, value in enumerate(light) if place != silent]
        assert scale in (sorted(scale), sorted(scale, reverse=True))
        assert min(abs(a - b) for a, b in itertools.pairwise(scale)) >= 6
        if silent is not None:
            assert min(scale) - light[silent] >= 15


def test_nothing_is_green() -> None:
    colours = [*CLASS_COLOURS.values(), *(colour for ramp in RAMPS for _, colour, _ in ramp)]
    for colour in colours:
        share = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        hue, saturation, _ = colorsys.rgb_to_hsv(*share)
        assert saturation < 0.1 or not 60 <= 360 * hue <= 180, colour
