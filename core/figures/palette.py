"""Colours with a meaning: one fixed colour a label on every page, and a few for the roles that charts share.

Two steps of lightness by twelve hues, each at least 3:1 against the light and the dark background (WCAG 1.4.11).
A cell line has the hue of the tissue that it comes from. With this many labels colour alone never tells them apart,
so every chart also names them on the axis or on hover. The short palette for comparisons keeps its colours apart
for all common kinds of colour blindness (after Okabe & Ito 2008).
"""

from hashlib import blake2b

DEEP = (
    "#af3c3a", "#a34d08", "#8c5f0b", "#776a06", "#4d7705", "#0d7c52",
    "#117874", "#03758e", "#036bb9", "#5b5abc", "#834ba8", "#a23e7c",
)  # fmt: skip
BRIGHT = (
    "#dc6660", "#d6702d", "#bf8210", "#a39107", "#71a131", "#09aa70",
    "#12a59f", "#05a0c1", "#3b94e7", "#7f83e9", "#ac73d3", "#ce66a5",
)  # fmt: skip

# Hue of each known label: deep for the larger tissue of a family, bright for its cell line or neighbour.
FAMILIES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("blood", "whole blood", "pbmc"), ("k562", "bone marrow", "spleen", "fibroblast culture")),
    (("liver",), ("hepg2", "bile duct")),
    (("skin",), ("testis", "head and neck mucosa")),
    (("stomach",), ("esophagus", "oesophagus")),
    (("colon",), ("small intestine", "rectum")),
    (("lung",), ("a549",)),
    (("kidney",), ("hek293", "bladder")),
    (("pancreas", "salivary gland"), ("thyroid",)),
    (("brain",), ("cerebellum",)),
    (("breast",), ("mcf7", "prostate")),
    (("heart",), ("skeletal muscle", "muscle")),
    (("cervix",), ("hela", "uterus", "placenta")),
)
KNOWN = {
    name: shades[number]
    for number, family in enumerate(FAMILIES)
    for shades, names in zip((DEEP, BRIGHT), family, strict=True)
    for name in names
}

ACCENT = "#0f82a8"  # the thing that was chosen
REAL = "#036bb9"
SYNTHETIC = "#c4560b"
UNLABELLED = "#7c8794"
COMPARE = ("#036bb9", "#c4560b", "#06936a", "#b5589a", "#7f6f00", "#0a9bc4", "#6b54b8", "#8a8f98")


def label_color(label: str) -> str:
    """The colour of a label, the same in every dataset and on every page; grey for no label at all.

    A label that the table does not know gets one by its name. Of several labels joined by | the first one counts.
    """
    first = label.split("|")[0].strip().lower()
    if not first:
        return UNLABELLED
    shades = (*DEEP, *BRIGHT)
    return KNOWN.get(first) or shades[blake2b(first.encode(), digest_size=4).digest()[0] % len(shades)]


def series_colors(n: int) -> list[str]:
    """``n`` colours for things that are compared side by side; they repeat after eight."""
    return [COMPARE[number % len(COMPARE)] for number in range(n)]
