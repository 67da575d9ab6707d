"""How the simulated counts come about: a latent-programme model with negative-binomial counts.

For biosample i of kind k (series b, donor d) and gene j, in natural logarithms,

    eta_ij = base_j + h_i boost_kj + (activity_k + donor_d + shift_b) . loading_j + batch_bj
    p_i    = (1 - c_i) softmax(eta_i) + sum over m of C_im softmax(eta of kind m)
    x_ij  ~ Poisson(N_i p_ij Gamma(1 / a_j, a_j))

h: how well the biosample kept its identity; C: what other tissue got into it (row sums c); N: library size; a: the
gene's dispersion. A gamma-mixed Poisson is the negative binomial with variance mu + a mu^2 (Robinson and Smyth 2007).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.sources.demo_plan import KIND_INDEX, KINDS, Design, Rng
from core.types import BoolArray, CountMatrix, DoubleArray, IndexArray, Progress, silent

BLOCK = 256  # biosamples drawn at a time: bounds memory, and is part of what a seed means
READS_PER_GENE = (47.0, 533.0)  # library size / genes: 0.28 to 3.2 million reads for 6,000 genes
CELL_READS_PER_GENE = (0.4, 4.0)
CELL_DETECTION = 0.3  # share of expressed genes that a single cell's library catches at all

# Share of genes that are silent unless something switches them on, by biotype; the rest is mostly protein coding.
SILENT = {"protein_coding": 0.39, "lncRNA": 0.74, "pseudogene": 0.82}
SILENT_OTHER = 0.88
SPLICED_BP = {"protein_coding": 3200.0, "lncRNA": 1700.0, "pseudogene": 1300.0}
SPLICED_OTHER_BP = 600.0
MARKER_BP = 1500.0


@dataclass(frozen=True)
class ExpressionModel:
    """Parameters of the simulation for G genes, K kinds, P programmes, in natural log units.

    base (G), boost (K x G), loadings (P x G), activity (K x P), dispersion (G), batch_scale (G; how far a gene follows
    its series), proliferation (index of that programme).
    """

    base: DoubleArray
    boost: DoubleArray
    loadings: DoubleArray
    activity: DoubleArray
    dispersion: DoubleArray
    batch_scale: DoubleArray
    proliferation: int


def draw_lengths(genes: pd.DataFrame, markers: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Simulated lengths in bp, a row per gene: log-normal spliced length by biotype, and a larger genomic span."""
    typical = genes["biotype"].map(SPLICED_BP).fillna(SPLICED_OTHER_BP).to_numpy(dtype=float)
    typical = np.where(genes["symbol"].isin(markers["symbol"]), MARKER_BP, typical)
    spliced = np.clip(typical * np.exp(rng.normal(0, 0.6, len(genes))), 350, 25_000).round().astype(int)
    span = (spliced * (1 + np.exp(rng.normal(1.8, 1.1, len(genes))))).round().astype(int)
    return pd.DataFrame(
        {
            "symbol": genes["symbol"].to_numpy(),
            "ensembl_gene_id": genes["ensembl_gene_id"].to_numpy(),
            "longest_transcript_spliced_length": spliced,
            "longest_transcript_genomic_span": span,
            "transcript_id": [f"DEMO-T{i + 1:05d}" for i in range(len(genes))],
        }
    )


def draw_model(genes: pd.DataFrame, markers: pd.DataFrame, spliced_bp: DoubleArray, rng: Rng) -> ExpressionModel:
    """Parameters for ``genes`` (symbol, biotype), with the known genes (``markers``: group, type, symbol) in place."""
    n_genes = len(genes)
    flat = _members(genes, markers, "type", "housekeeping")
    known = genes["symbol"].isin(markers["symbol"]).to_numpy()
    programmes = list(markers.loc[markers["type"] == "programme", "group"].drop_duplicates())
    base, silent_genes = _base(genes, markers, spliced_bp, rng)
    loadings = np.zeros((len(programmes), n_genes))
    for p, name in enumerate(programmes):
        others = rng.choice(np.flatnonzero(~known), n_genes // 50, replace=False)
        loadings[p, others] = rng.normal(0.35, 0.35, len(others))
        members = np.flatnonzero(_members(genes, markers, "group", name))
        loadings[p, members] = rng.uniform(0.6, 1.3, len(members))
    boost = _boost(genes, markers, np.flatnonzero(~known & ~silent_genes), np.flatnonzero(~known & silent_genes), rng)
    activity = np.array([[kind.programmes.get(name, 0.0) for name in programmes] for kind in KINDS])
    dispersion = np.where(flat, 0.15, np.clip(rng.lognormal(np.log(0.26), 0.35, n_genes), 0.15, 0.5))
    batch_scale = np.where(flat, 0.35, 1.0)
    model = (base, boost, loadings, activity, dispersion, batch_scale)
    for part in (base, boost.T, loadings.T, dispersion):
        _copy_repeated(genes, part)
    return ExpressionModel(*model, proliferation=programmes.index("proliferation"))


def _members(genes: pd.DataFrame, markers: pd.DataFrame, column: str, value: str) -> BoolArray:
    return np.asarray(genes["symbol"].isin(markers.loc[markers[column] == value, "symbol"]), dtype=bool)


def _base(
    genes: pd.DataFrame, markers: pd.DataFrame, spliced_bp: DoubleArray, rng: Rng
) -> tuple[DoubleArray, BoolArray]:
    """Base level of each gene, and which genes are silent; longer transcripts give more reads."""
    n_genes = len(genes)
    odds = genes["biotype"].map(SILENT).fillna(SILENT_OTHER).to_numpy(dtype=float)
    silent_genes = rng.random(n_genes) < odds
    base = np.where(silent_genes, rng.normal(-6.5, 1.6, n_genes), rng.normal(0.4, 1.6, n_genes))
    base += 0.7 * np.log(spliced_bp / 2800)
    specific = _members(genes, markers, "type", "tissue") | _members(genes, markers, "type", "cell line")
    levels = [
        (_members(genes, markers, "type", "programme"), 0.6, 0.9),
        (specific, -3.2, 0.9),
        (_members(genes, markers, "group", "oxidative phosphorylation"), 2.4, 0.5),
        (_members(genes, markers, "group", "translation"), 3.4, 0.5),
        (_members(genes, markers, "type", "housekeeping"), 2.8, 0.8),
        (np.asarray(genes["symbol"].str.startswith("MT-")), 5.0, 0.6),
    ]
    for chosen, mean, sd in levels:
        base[chosen] = rng.normal(mean, sd, int(chosen.sum()))
        silent_genes &= ~chosen
    return base, silent_genes


def _boost(
    genes: pd.DataFrame, markers: pd.DataFrame, expressed: IndexArray, unused: IndexArray, rng: Rng
) -> DoubleArray:
    """What each kind adds to the base: its markers, genes nobody named, and its share of the kind it is like."""
    boost = np.zeros((len(KINDS), len(genes)))
    hundredth = max(1, len(genes) // 100)
    for k, kind in enumerate(KINDS):
        moved = rng.choice(expressed, 3 * hundredth, replace=False)
        boost[k, moved] = rng.normal(0.3, 0.9, len(moved))
        switched = rng.choice(unused, hundredth // 2, replace=False)
        boost[k, switched] = rng.normal(4.5, 1.0, len(switched))
        members = np.flatnonzero(_members(genes, markers, "group", kind.name))
        boost[k, members] = np.clip(rng.normal(5.2, 1.1, len(members)), 3.6, 7.5)
    for k, kind in enumerate(KINDS):
        if kind.like is not None:
            name, strength = kind.like
            parent = strength * boost[KIND_INDEX[name]]
            boost[k] = np.where(np.abs(parent) > np.abs(boost[k]), parent, boost[k])
    return boost


def _copy_repeated(genes: pd.DataFrame, values: DoubleArray) -> None:
    """The second gene of a repeated symbol behaves like the first, in place."""
    first = genes["symbol"].drop_duplicates().reset_index().set_index("symbol")["index"]
    rows = np.flatnonzero(genes["symbol"].duplicated())
    values[rows] = values[first[genes["symbol"].iloc[rows]].to_numpy()]


def draw_counts(model: ExpressionModel, design: Design, rng: Rng, progress: Progress = silent) -> CountMatrix:
    """Counts (n x G, uint32) of the biosamples of ``design``."""
    n, n_genes = len(design.kind), len(model.base)
    n_series, n_donors, n_programmes = design.series.max() + 1, design.donor.max() + 1, len(model.loadings)
    batch = rng.normal(0, 1, (n_series, n_genes)) * rng.uniform(0.25, 0.35, (n_series, 1)) * model.batch_scale
    batch += rng.normal(0, 0.2, (n_series, n_programmes)) @ model.loadings
    atypical = rng.random(n_series) < 0.25  # series of poor biopsies: weaker identity, more dividing cells
    donor = rng.normal(0, 0.4, (n_donors, n_programmes))
    cell_line = np.array([kind.cell_line for kind in KINDS])[design.kind]
    weak = atypical[design.series] & ~cell_line
    identity = rng.uniform(0.75, 1.05, n) * np.where(weak, 0.75, 1.0)
    activity = model.activity[design.kind] + donor[design.donor]
    activity[weak, model.proliferation] += 0.9
    mixture = _mixture(design, cell_line, rng)
    others = _softmax(model.base + model.boost + model.activity @ model.loadings)
    reads = _library_sizes(design, n_genes, rng)
    counts = np.empty((n, n_genes), dtype=np.uint32)
    for start in range(0, n, BLOCK):
        rows = slice(start, min(start + BLOCK, n))
        eta = model.base + identity[rows, None] * model.boost[design.kind[rows]]
        eta += activity[rows] @ model.loadings + batch[design.series[rows]]
        share = (1 - mixture[rows].sum(axis=1, keepdims=True)) * _softmax(eta) + mixture[rows] @ others
        share[design.single_cell[rows]] *= rng.random((int(design.single_cell[rows].sum()), n_genes)) < CELL_DETECTION
        mean = reads[rows, None] * share
        counts[rows] = rng.poisson(mean * rng.standard_gamma(1 / model.dispersion, mean.shape) * model.dispersion)
        progress("simulate", rows.stop, n)
    return counts


def _mixture(design: Design, cell_line: BoolArray, rng: Rng) -> DoubleArray:
    """C (n x K): shares of other kinds in each biosample; blood in every tissue, and its neighbour, at times a lot."""
    n = len(design.kind)
    mixture = np.zeros((n, len(KINDS)))
    tissue = ~cell_line & ~design.single_cell
    mixture[:, KIND_INDEX["blood"]] = rng.beta(1.0, 40.0, n) * tissue
    near = np.array([KIND_INDEX.get(kind.near or "", -1) for kind in KINDS])[design.kind]
    amount = np.where(rng.random(n) < 0.07, rng.uniform(0.25, 0.45, n), rng.beta(1.0, 12.0, n))
    rows = np.flatnonzero((near >= 0) & tissue)
    mixture[rows, near[rows]] = amount[rows]
    return mixture


def _library_sizes(design: Design, n_genes: int, rng: Rng) -> DoubleArray:
    """Reads per biosample: log-uniform over more than a factor of ten, and few for single cells."""
    n = len(design.kind)
    bulk = _log_uniform(READS_PER_GENE, n, rng)
    cells = _log_uniform(CELL_READS_PER_GENE, n, rng)
    return np.asarray(n_genes * np.where(design.single_cell, cells, bulk), dtype=np.float64)


def _log_uniform(limits: tuple[float, float], n: int, rng: Rng) -> DoubleArray:
    low, high = limits
    return np.asarray(low * (high / low) ** rng.random(n), dtype=np.float64)


def _softmax(eta: DoubleArray) -> DoubleArray:
    weight = np.exp(eta)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float64)
