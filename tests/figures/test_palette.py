"""Colours: fixed, legible on both backgrounds, apart for the colour-blind."""

import itertools
import tomllib

import numpy as np
import pytest

from core.figures import palette
from core.settings import PROJECT

THEME = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
BACKGROUNDS = [THEME[name]["backgroundColor"] for name in ("light", "dark")]
# Linear RGB as seen by protanopes, deuteranopes and tritanopes (Machado, Oliveira & Fernandes 2009, severity 1.0).
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def linear(color: str) -> np.ndarray:
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio."""
    low, high = sorted(float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB, D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("color", [*palette.DEEP, *palette.BRIGHT, *palette.COMPARE, palette.ACCENT, palette.SYNTHETIC])
def test_every_colour_stands_out_on_both_backgrounds(color: str) -> None:
    assert min(contrast(color, background) for background in BACKGROUNDS) >= 2.99


@pytest.mark.parametrize("kind", BLINDNESS)
def test_compared_things_stay_apart_for_the_colour_blind(kind: str) -> None:
    seen = [lab(BLINDNESS[kind] @ linear(color)) for color in palette.series_colors(4)]
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)) > 12


def test_real_and_synthetic_are_far_apart_for_everyone() -> None:
    for matrix in BLINDNESS.values():
        gap = lab(matrix @ linear(palette.REAL)) - lab(matrix @ linear(palette.SYNTHETIC))
        assert np.linalg.norm(gap) > 40


def test_a_label_keeps_its_colour_and_a_cell_line_has_the_hue_of_its_tissue() -> None:
    assert palette.label_color("Liver") == palette.label_color("liver") == palette.label_color("liver|hepg2")
    assert palette.label_color("liver") != palette.label_color("hepg2")
    assert palette.DEEP.index(palette.label_color("liver")) == palette.BRIGHT.index(palette.label_color("hepg2"))
    assert palette.label_color("") == palette.UNLABELLED


def test_unknown_labels_get_a_colour_by_name() -> None:
    names = [f"tissue {number}" for number in range(60)]
    colors = [palette.label_color(name) for name in names]
    assert colors == [palette.label_color(name) for name in names]
    assert set(colors) <= {*palette.DEEP, *palette.BRIGHT}
    assert len(set(colors)) > 15


def test_the_themes_categories_are_the_palette() -> None:
    assert tuple(THEME["chartCategoricalColors"]) == palette.COMPARE
    assert len(palette.series_colors(11)) == 11
