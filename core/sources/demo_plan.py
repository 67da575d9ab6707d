"""Who is in the simulated dataset: tissues and cell lines, how many biosamples of each, in which series, described how.

The shares copy what makes ARCHS4 awkward: tissues of very different size, series that hold one tissue or several, cell
lines that carry the label of their tissue of origin as well, and biosamples whose description gives nothing away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.types import BoolArray, IndexArray

Rng = np.random.Generator

UNLABELLED_SHARE = 0.08
SINGLE_CELL_SHARE = 40 / 1500
BIOSAMPLES_PER_SERIES = 25
BIOSAMPLES_PER_SLOT = 12  # of one kind in one series
MIN_SERIES = 16
MIN_SERIES_PER_KIND = 5
SINGLE_CELL_KINDS = ("blood", "pancreas", "brain")
VAGUE_SOURCES = ("total RNA", "patient biopsy", "primary tissue", "surgical specimen", "sequencing library", "Sample")


@dataclass(frozen=True)
class Kind:
    """A tissue or cell line that is simulated as one population.

    ``share``: labelled biosamples of it in 1,380; ``floor``: the fewest that a small dataset gets. ``like``: another
    kind whose programme it shares, and how strongly (0 to 1). ``near``: the kind that gets into its biopsies.
    ``programmes``: activity of gene programmes (natural log units). ``sources``: how submitters describe it.
    """

    name: str
    labels: tuple[str, ...]
    share: int
    sources: tuple[str, ...]
    like: tuple[str, float] | None = None
    near: str | None = None
    programmes: Mapping[str, float] = field(default_factory=dict)
    cell_line: bool = False
    floor: int = 6


def _tissue(name: str, share: int, *sources: str, near: str | None = None, **more: float) -> Kind:
    return Kind(name, (name,), share, sources, near=near, programmes=_spaced(more))


def _line(name: str, origin: str, strength: float, share: int, source: str, **more: float) -> Kind:
    programmes = {"proliferation": 1.4, "extracellular matrix": -1.0} | _spaced(more)
    return Kind(name, (name, origin), share, (source,), (origin, strength), None, programmes, cell_line=True)


def _spaced(programmes: Mapping[str, float]) -> dict[str, float]:
    return {name.replace("_", " "): activity for name, activity in programmes.items()}


KINDS: tuple[Kind, ...] = (
    Kind("brain", ("brain",), 24,
         ("Frontal cortex", "Temporal cortex", "Dorsolateral prefrontal cortex", "Hippocampus"),
         programmes={"neuronal": 2.2, "proliferation": -0.8, "epithelium": -1.5}, floor=8),
    Kind("cerebellum", ("brain", "cerebellum"), 12, ("Cerebellum", "Cerebellar cortex"), ("brain", 0.8), "brain",
         {"neuronal": 2.0, "proliferation": -0.8, "epithelium": -1.5}, floor=4),
    _tissue("liver", 110, "Liver", "Liver biopsy", "Normal adjacent liver", sterol_synthesis=0.8, secretory_pathway=0.8,
            metal_response=1.0),
    _line("hepg2", "liver", 0.55, 45, "HepG2", sterol_synthesis=0.8, epithelium=0.6),
    _tissue("blood", 110, "Whole blood", "PBMC", "Peripheral blood mononuclear cells", lymphoid=1.8, myeloid=1.8,
            interferon=0.4, epithelium=-2.0, extracellular_matrix=-2.0),
    _line("k562", "blood", 0.3, 45, "K562", hypoxia=0.3, epithelium=-1.5),
    _tissue("cervix", 45, "Cervix uteri", "Cervical biopsy", near="esophagus", smooth_muscle=0.8, squamous=0.8,
            extracellular_matrix=0.7, epithelium=0.5),
    _line("hela", "cervix", 0.4, 50, "HeLa", squamous=0.5, interferon=-0.3),
    _tissue("kidney", 60, "Kidney cortex", "Kidney", "Renal biopsy", oxidative_phosphorylation=0.5, epithelium=0.5),
    _line("hek293", "kidney", 0.3, 60, "HEK293T", neuronal=0.6),
    _tissue("lung", 90, "Lung", "Lung parenchyma", "Normal adjacent lung", myeloid=0.9, endothelium=1.0, cilium=0.8,
            epithelium=0.4),
    _line("a549", "lung", 0.4, 45, "A549", hypoxia=0.4, epithelium=0.5),
    _tissue("breast", 60, "Mammary gland", "Breast", "Reduction mammoplasty", near="skin", adipose=1.6, epithelium=0.6,
            extracellular_matrix=0.8),
    _line("mcf7", "breast", 0.45, 50, "MCF-7", epithelium=1.2),
    _tissue("heart", 70, "Left ventricle", "Heart", "Atrial appendage", near="skeletal muscle",
            oxidative_phosphorylation=1.0, smooth_muscle=0.3, endothelium=0.4),
    Kind("skeletal muscle", ("skeletal muscle",), 75, ("Vastus lateralis", "Skeletal muscle", "Muscle biopsy"),
         ("heart", 0.3), "heart", {"oxidative phosphorylation": 0.8, "epithelium": -1.0}),
    _tissue("colon", 82, "Colon", "Sigmoid colon", "Colonic mucosa", near="small intestine", epithelium=1.1,
            smooth_muscle=0.6, secretory_pathway=0.4),
    Kind("small intestine", ("small intestine",), 46, ("Ileum", "Duodenal biopsy", "Small intestine"), ("colon", 0.45),
         "colon", {"epithelium": 1.1, "smooth muscle": 0.4, "secretory pathway": 0.4}),
    _tissue("stomach", 50, "Gastric mucosa", "Stomach", near="esophagus", epithelium=1.0, smooth_muscle=0.6,
            secretory_pathway=0.6),
    Kind("esophagus", ("esophagus",), 48, ("Esophageal mucosa", "Esophagus"), ("skin", 0.3), "stomach",
         {"squamous": 1.6, "smooth muscle": 0.6, "epithelium": 0.5}),
    _tissue("pancreas", 46, "Pancreas", "Pancreatic tissue", near="small intestine",
            secretory_pathway=1.6, translation=0.4),
    _tissue("skin", 66, "Skin", "Skin punch biopsy", "Forearm skin", near="breast",
            squamous=1.6, extracellular_matrix=0.9),
    _tissue("testis", 46, "Testis", "Testicular biopsy", cilium=1.6, proliferation=0.8),
    _tissue("thyroid", 45, "Thyroid", "Thyroid gland", near="lung", epithelium=0.6, endothelium=0.4),
)  # fmt: skip
KIND_INDEX = {kind.name: i for i, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class Design:
    """What each of n biosamples is: index of its kind, series and donor; ``single_cell`` and ``labelled`` as flags."""

    kind: IndexArray
    series: IndexArray
    donor: IndexArray
    single_cell: BoolArray
    labelled: BoolArray


def allot(total: int, shares: Sequence[float], floors: Sequence[int]) -> IndexArray:
    """Divide ``total`` in proportion to ``shares`` by largest remainders, nobody below their floor."""
    shares_, floors_ = np.asarray(shares, dtype=float), np.asarray(floors)
    wish = np.maximum(total * shares_ / shares_.sum() - floors_, 0)
    exact = wish / wish.sum() * (total - floors_.sum())
    counts = np.floor(exact + 1e-9).astype(np.intp)
    short = total - floors_.sum() - counts.sum()
    counts[np.argsort(counts - exact, kind="stable")[:short]] += 1
    return np.asarray(counts + floors_, dtype=np.intp)


def plan_biosamples(n_biosamples: int, rng: Rng) -> Design:
    """Kinds, series and donors of ``n_biosamples`` bulk biosamples, then of the single-cell ones that come on top.

    Rows of one series are contiguous, as in ARCHS4, where neighbouring accessions were submitted together.
    """
    shares = [kind.share for kind in KINDS]
    n_unlabelled = round(n_biosamples * UNLABELLED_SHARE)
    labelled = allot(n_biosamples - n_unlabelled, shares, [kind.floor for kind in KINDS])
    unlabelled = allot(n_unlabelled, shares, [0] * len(KINDS))
    slots = _slots(labelled, n_biosamples // BIOSAMPLES_PER_SERIES, rng)
    rows = _fill(slots, labelled, unlabelled, rng)
    n_series = 1 + max(series for _, series, _ in rows)
    bulk = len(rows)
    cells = round(n_biosamples * SINGLE_CELL_SHARE)
    rows += [(KIND_INDEX[SINGLE_CELL_KINDS[i % 3]], n_series + i % 3, False) for i in range(cells)]
    kind, series = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    order = np.lexsort((kind, rng.permutation(n_series + 3)[series]))
    donor = _donors(kind[order], series[order], rng)
    return Design(
        kind[order],
        series[order],
        donor,
        (np.arange(len(rows)) >= bulk)[order],
        np.array([row[2] for row in rows])[order],
    )


def _slots(labelled: IndexArray, n_series: int, rng: Rng) -> list[tuple[int, int]]:
    """(kind, series) pairs: every kind in several series, no pair twice, series with one kind or several."""
    n_slots = np.minimum(labelled, np.maximum(MIN_SERIES_PER_KIND, labelled // BIOSAMPLES_PER_SLOT))
    wanted = np.repeat(np.arange(len(KINDS)), n_slots)
    n_series = min(max(n_series, MIN_SERIES), len(wanted))
    slots: list[tuple[int, int]] = []
    for i, kind in enumerate(rng.permutation(wanted)):
        held = {series for k, series in slots if k == kind}
        free = [s for s in range(n_series) if s not in held]
        slots.append((int(kind), i if i < n_series else int(rng.choice(free))))
    return slots


def _fill(
    slots: Sequence[tuple[int, int]], labelled: IndexArray, unlabelled: IndexArray, rng: Rng
) -> list[tuple[int, int, bool]]:
    """(kind, series, labelled) of every biosample: each slot gets at least one labelled biosample of its kind."""
    rows = []
    for kind in range(len(KINDS)):
        series = [s for k, s in slots if k == kind]
        sizes = allot(int(labelled[kind]), rng.uniform(0.6, 1.6, len(series)).tolist(), [1] * len(series))
        rows += [(kind, s, True) for s, size in zip(series, sizes, strict=True) for _ in range(size)]
        rows += [(kind, int(s), False) for s in rng.choice(series, unlabelled[kind])]
    return rows


def _donors(kind: IndexArray, series: IndexArray, rng: Rng) -> IndexArray:
    """Donor of each biosample: about one in four shares its donor with another biosample of its kind and series."""
    group = pd.Series(list(zip(kind, series, strict=True))).groupby(lambda i: (kind[i], series[i])).transform("size")
    draw = (rng.random(len(kind)) * np.maximum(1, 1.5 * group.to_numpy())).astype(int)
    codes, _ = pd.factorize(pd.Series(list(zip(kind, series, draw, strict=True))))
    return np.asarray(codes, dtype=np.intp)


def describe(design: Design, rng: Rng) -> pd.DataFrame:
    """Metadata of the biosamples in GEO's words: sample_id, series_id, title, source_name_ch1, characteristics_ch1,
    singlecellprobability (alignedreads needs the counts). What unlabelled bulk biosamples say gives nothing away."""
    text = [_words(design, i, rng) for i in range(len(design.kind))]
    single = np.where(design.single_cell, rng.uniform(0.55, 1.0, len(text)), rng.beta(1.0, 14.0, len(text)) * 0.45)
    return pd.DataFrame(
        {
            "sample_id": [f"DEMO{i + 1:05d}" for i in range(len(text))],
            "series_id": [f"DEMO-S{s + 1:03d}" for s in design.series],
            "title": [t[0] for t in text],
            "source_name_ch1": [t[1] for t in text],
            "characteristics_ch1": [t[2] for t in text],
            "singlecellprobability": np.round(single, 4),
        }
    )


def _words(design: Design, row: int, rng: Rng) -> tuple[str, str, str]:
    """Title, source name and characteristics of one biosample."""
    kind, donor = KINDS[design.kind[row]], f"D{design.donor[row] + 1:04d}"
    source = str(rng.choice(kind.sources))
    person = f"Sex: {rng.choice(['female', 'male'])},age: {rng.integers(21, 82)}"
    if design.single_cell[row]:
        return f"{source} cell {row + 1}", f"{source}, single cell", f"tissue: {source},cell: {row + 1},{person}"
    if not design.labelled[row]:
        vague = str(rng.choice(VAGUE_SOURCES))
        return f"Sample {row + 1}", vague, f"individual: {donor},batch: {rng.integers(1, 5)}"
    if kind.cell_line:
        treatment = rng.choice(["none", "DMSO", "siControl", "serum starved"])
        return f"{source} {treatment} rep{rng.integers(1, 4)}", source, f"cell line: {source},treatment: {treatment}"
    state = rng.choice(["normal", "control", "adjacent normal"])
    return f"{source} {donor}", source, f"tissue: {source},disease state: {state},{person}"


def label_table(design: Design, sample_ids: npt.NDArray[np.object_]) -> pd.DataFrame:
    """sample_id, tissue: one row per label of each labelled biosample."""
    rows = [
        (sample, label)
        for sample, kind, labelled in zip(sample_ids, design.kind, design.labelled, strict=True)
        if labelled
        for label in KINDS[kind].labels
    ]
    return pd.DataFrame(rows, columns=["sample_id", "tissue"])
