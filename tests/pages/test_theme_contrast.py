"""The theme's colours against what they stand on, by the contrast ratio of WCAG 2.2 (criteria 1.4.3 and 1.4.11)."""

import tomllib

import pytest

from core.settings import PROJECT

THEME = tomllib.loads((PROJECT / ".streamlit/config.toml").read_text())["theme"]
SCHEMES = ("light", "dark")
TEXT, LARGE_OR_GRAPHICS = 4.5, 3.0  # level AA
CAPTION, CHOSEN = 0.6, 0.1  # opacity of Streamlit's captions; of the primary colour behind what is chosen
Colour = tuple[float, float, float]


def colour(code: str) -> Colour:
    """Red, green and blue, 0 to 1."""
    red, green, blue = (int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def over(front: Colour, opacity: float, back: Colour) -> Colour:
    """What a translucent colour looks like on another."""
    red, green, blue = (opacity * a + (1 - opacity) * b for a, b in zip(front, back, strict=True))
    return red, green, blue


def luminance(shown: Colour) -> float:
    """Relative luminance, 0 to 1."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shown)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def backgrounds(scheme: str) -> dict[str, Colour]:
    """Everything that text stands on."""
    theme = THEME[scheme]
    return {
        f"{place} {name}": colour(part[name])
        for place, part in (("page", theme), ("sidebar", theme["sidebar"]))
        for name in ("backgroundColor", "secondaryBackgroundColor")
    } | {"head of a table": colour(theme["dataframeHeaderBackgroundColor"])}


def test_the_ratio_is_that_of_the_standard() -> None:
    assert contrast(colour("#000000"), colour("#ffffff")) == pytest.approx(21)
    assert contrast(colour("#777777"), colour("#ffffff")) == pytest.approx(4.48, abs=0.01)  # the well-known near miss
    assert contrast(colour("#0000ff"), colour("#ffffff")) == pytest.approx(8.59, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["textColor", "linkColor"])
def test_text_and_links_can_be_read_everywhere(scheme: str, name: str) -> None:
    text = colour(THEME[scheme][name])
    assert {where: ratio for where, back in backgrounds(scheme).items() if (ratio := contrast(text, back)) < TEXT} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_captions_can_be_read_everywhere(scheme: str) -> None:
    text = colour(THEME[scheme]["textColor"])
    found = {where: contrast(over(text, CAPTION, back), back) for where, back in backgrounds(scheme).items()}
    assert {where: ratio for where, ratio in found.items() if ratio < TEXT} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_code_can_be_read_in_captions_too(scheme: str) -> None:
    text, back = colour(THEME[scheme]["codeTextColor"]), colour(THEME[scheme]["codeBackgroundColor"])
    page = colour(THEME[scheme]["backgroundColor"])
    assert contrast(text, back) >= TEXT
    assert contrast(over(text, CAPTION, page), over(back, CAPTION, page)) >= TEXT


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_chosen_can_be_read(scheme: str) -> None:
    """A chosen segment or tab: the primary colour on the page, or on a tint of itself."""
    theme = THEME[scheme]
    primary, back = colour(theme["primaryColor"]), colour(theme["backgroundColor"])
    assert contrast(primary, back) >= TEXT
    assert contrast(primary, over(primary, CHOSEN, back)) >= TEXT


@pytest.mark.parametrize(("scheme", "least"), [("light", TEXT), ("dark", LARGE_OR_GRAPHICS)])
def test_white_on_the_primary_colour_can_be_read(scheme: str, least: float) -> None:
    """Streamlit writes in white on it, in both schemes: in the dark one no colour allows for that and for the above."""
    assert contrast(colour("#ffffff"), colour(THEME[scheme]["primaryColor"])) >= least


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_colours_of_charts_stand_out_from_the_page(scheme: str) -> None:
    back = colour(THEME[scheme]["backgroundColor"])
    found = {code: contrast(colour(code), back) for code in THEME["chartCategoricalColors"]}
    assert {code: ratio for code, ratio in found.items() if ratio < LARGE_OR_GRAPHICS} == {}
