"""The simulated dataset has the properties that make it a fair stand-in, checked on the files that were written."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.errors import RecipeError
from core.sources.archs4 import Archs4File
from core.sources.demo import DemoFiles, write_demo
from core.sources.demo_plan import KINDS, allot

SHIPPED = Path(__file__).resolve().parents[2] / "data"
MT_GENES = {
    f"MT-{g}" for g in ("ATP6", "ATP8", "CO1", "CO2", "CO3", "CYB", "ND1", "ND2", "ND3", "ND4", "ND4L", "ND5", "ND6")
}
TWO_LABELS = {
    "cerebellum": "brain", "hepg2": "liver", "k562": "blood", "hela": "cervix", "hek293": "kidney", "a549": "lung",
    "mcf7": "breast",
}  # fmt: skip


@dataclass
class Demo:
    files: DemoFiles
    counts: np.ndarray  # all biosamples x genes
    genes: pd.DataFrame
    biosamples: pd.DataFrame
    labels: pd.DataFrame
    bulk: np.ndarray

    def labelled(self, label: str) -> np.ndarray:
        return (
            self.biosamples["sample_id"].isin(self.labels.loc[self.labels["tissue"] == label, "sample_id"]).to_numpy()
        )

    @property
    def cpm(self) -> np.ndarray:
        return self.counts / self.counts.sum(axis=1, keepdims=True) * 1e6


def load(files: DemoFiles) -> Demo:
    with h5py.File(files.counts) as file:
        counts = file["data/expression"][:].T.astype(np.int64)
    with Archs4File(files.counts) as archs4:
        genes, biosamples = archs4.genes, archs4.biosamples
    labels = pd.read_csv(files.labels, sep="\t", dtype=str)
    return Demo(files, counts, genes, biosamples, labels, (biosamples["singlecellprobability"] < 0.5).to_numpy())


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return load(write_demo(tmp_path_factory.mktemp("full") / "demo"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return load(write_demo(tmp_path_factory.mktemp("small"), seed=5, n_biosamples=300, n_genes=1000))


@pytest.fixture(scope="module")
def markers() -> pd.DataFrame:
    return pd.read_csv(SHIPPED / "demo_markers.tsv", sep="\t", keep_default_na=False)


def test_shapes_and_layout(full: Demo) -> None:
    assert full.counts.shape == (1540, 6000)
    assert full.bulk.sum() == 1500
    with h5py.File(full.files.counts) as file:
        assert file["data/expression"].shape == (6000, 1540)
        assert file["data/expression"].dtype == np.uint32
        assert {"symbol", "ensembl_gene_id", "biotype"} <= set(file["meta/genes"])
        assert "SIMULATED" in file["meta/info/description"].asstr()[()]
    with Archs4File(full.files.counts) as archs4:
        assert archs4.simulated
    np.testing.assert_array_equal(full.biosamples["alignedreads"], full.counts.sum(axis=1))
    assert full.biosamples["sample_id"].is_unique


def test_labels(full: Demo) -> None:
    counts = full.labels["tissue"].value_counts()
    assert len(counts) >= 14
    assert 30 <= counts["brain"] < 40
    others = counts.drop(["brain", "cerebellum"])
    assert others.min() >= 45
    assert others.max() <= 180
    assert not full.labels.duplicated().any()
    assert set(full.labels["sample_id"]) <= set(full.biosamples.loc[full.bulk, "sample_id"])
    unlabelled = full.bulk.sum() - full.labels["sample_id"].nunique()
    assert unlabelled == 120


def test_the_second_label_is_the_tissue_of_origin(full: Demo) -> None:
    of_sample = full.labels.groupby("sample_id")["tissue"].agg(set)
    for label, origin in TWO_LABELS.items():
        carriers = of_sample[[label in labels for labels in of_sample]]
        assert len(carriers) >= 12
        assert all(labels == {label, origin} for labels in carriers)
    assert of_sample.map(len).max() == 2


def test_unlabelled_descriptions_give_nothing_away(full: Demo) -> None:
    hidden = full.biosamples[full.bulk & ~full.biosamples["sample_id"].isin(full.labels["sample_id"])]
    text = (hidden["title"] + " " + hidden["source_name_ch1"] + " " + hidden["characteristics_ch1"]).str.lower()
    words = {source.lower() for kind in KINDS for source in (kind.name, *kind.sources)}
    assert not [word for word in words if text.str.contains(word, regex=False).any()]


def test_zero_share_and_library_sizes(full: Demo) -> None:
    bulk = full.counts[full.bulk]
    assert 0.35 <= (bulk == 0).mean() <= 0.47
    low, high = np.percentile(bulk.sum(axis=1), [1, 99])
    assert high / low >= 8
    assert low > 0.2e6
    assert high < 4e6


def test_single_cells_are_shallow_and_sparse(full: Demo) -> None:
    cells = full.counts[~full.bulk]
    assert len(cells) == 40
    assert (cells == 0).mean() > 0.85
    assert cells.sum(axis=1).max() < full.counts[full.bulk].sum(axis=1).min()


def test_series_hold_tissues_and_tissues_span_series(full: Demo) -> None:
    assert 50 <= full.biosamples["series_id"].nunique() <= 70
    table = full.labels.merge(full.biosamples[["sample_id", "series_id"]])
    assert table.groupby("tissue")["series_id"].nunique().min() >= 3
    assert (table.groupby("series_id")["tissue"].nunique() >= 2).sum() >= 10


def test_counts_are_overdispersed_within_tissue_and_series(full: Demo) -> None:
    """Pearson statistic sum (x - mu)^2 / mu over (m - 1), with mu from the group's own proportions: 1 for Poisson."""
    table = full.labels.drop_duplicates("sample_id").merge(full.biosamples.reset_index(), on="sample_id")
    ratios = []
    for _, group in table.groupby(["tissue", "series_id"]):
        if len(group) < 10:
            continue
        x = full.counts[group["index"]]
        x = x[:, x.mean(axis=0) > 20]
        mu = x.sum(axis=1, keepdims=True) * x.sum(axis=0) / x.sum()
        ratios.append(np.median(((x - mu) ** 2 / mu).sum(axis=0) / (len(x) - 1)))
    assert len(ratios) > 20
    assert min(ratios) > 3


def test_series_have_batch_effects(full: Demo) -> None:
    """One-way analysis of variance over series, within one tissue: far more small p-values than chance."""
    liver = full.labelled("liver") & ~full.labelled("hepg2")
    x = np.log2(1 + full.cpm[liver])
    x = x[:, x.mean(axis=0) > 6]
    series = full.biosamples.loc[liver, "series_id"].to_numpy()
    groups = [x[series == s] for s in np.unique(series) if (series == s).sum() > 1]
    assert (stats.f_oneway(*groups).pvalue < 0.01).mean() > 0.3
    shuffled = np.random.default_rng(0).permutation(series)
    groups = [x[shuffled == s] for s in np.unique(series) if (series == s).sum() > 1]
    assert (stats.f_oneway(*groups).pvalue < 0.01).mean() < 0.1


def test_every_marker_marks_its_tissue(full: Demo, markers: pd.DataFrame) -> None:
    specific = markers[markers["type"].isin(["tissue", "cell line"])]
    labelled = full.biosamples["sample_id"].isin(full.labels["sample_id"]).to_numpy()
    cpm, symbols = full.cpm, full.genes["symbol"].to_numpy()
    for symbol, groups in specific.groupby("symbol")["group"]:
        values = cpm[:, np.flatnonzero(symbols == symbol)[0]]
        inside = {group: full.labelled(group) for group in groups}
        outside = labelled & ~np.logical_or.reduce(list(inside.values()))
        for group, members in inside.items():
            assert values[members].mean() > 4 * values[outside].mean(), (symbol, group)


def test_housekeeping_genes_are_flat(full: Demo, markers: pd.DataFrame) -> None:
    """Spread between tissue means, on the log2 scale, against that of other well-expressed genes."""
    log_cpm = np.log2(1 + full.cpm)
    names = full.labels["tissue"].unique()
    between = np.std([log_cpm[full.labelled(name)].mean(axis=0) for name in names], axis=0)
    flat = full.genes["symbol"].isin(markers.loc[markers["type"] == "housekeeping", "symbol"]).to_numpy()
    expressed = (log_cpm.mean(axis=0) > 5) & ~flat
    assert np.median(between[flat]) < 0.6
    assert np.median(between[flat]) < 0.8 * np.median(between[expressed])


def test_programmes_correlate_within_a_tissue(full: Demo, markers: pd.DataFrame) -> None:
    liver = full.labelled("liver") & ~full.labelled("hepg2")
    log_cpm = np.log2(1 + full.cpm[liver])
    for programme in ("proliferation", "interferon", "extracellular matrix"):
        members = full.genes["symbol"].isin(markers.loc[markers["group"] == programme, "symbol"]).to_numpy()
        correlation = np.corrcoef(log_cpm[:, members].T)
        assert np.median(correlation[np.triu_indices_from(correlation, 1)]) > 0.2, programme


def test_shipped_tables(markers: pd.DataFrame) -> None:
    genes = pd.read_csv(SHIPPED / "demo_genes.tsv", sep="\t", keep_default_na=False)
    assert len(genes) == 6000
    assert genes["ensembl_gene_id"].str.fullmatch(r"ENSG\d{11}").all()
    assert genes["ensembl_gene_id"].is_unique
    # Approved symbols: capitals, digits, hyphens, and "orf" between numbers; so no "1-Mar" and no "44621".
    assert genes["symbol"].str.fullmatch(r"[A-Z][A-Z0-9]*(orf\d+)?[A-Z0-9]*(-[A-Z0-9]+)*").all()
    assert set(genes["symbol"]) >= MT_GENES | set(markers["symbol"])
    repeated = genes["symbol"][genes["symbol"].duplicated(keep=False)].value_counts()
    assert 5 <= len(repeated) <= 10 and (repeated == 2).all()
    sizes = markers[markers["type"].isin(["tissue", "cell line"])].groupby("group").size()
    assert sizes.min() >= 12
    assert set(sizes.index) == {kind.name for kind in KINDS}
    known = {"brain": {"GFAP", "MBP", "SNAP25", "SYT1", "PLP1"}, "liver": {"ALB", "APOA1"}, "heart": {"MYH6", "TNNT2"}}
    for group, symbols in known.items():
        assert symbols <= set(markers.loc[markers["group"] == group, "symbol"])


def test_programmes_that_tissues_name_exist(markers: pd.DataFrame) -> None:
    programmes = set(markers.loc[markers["type"] == "programme", "group"])
    assert len(programmes) == 20
    assert {name for kind in KINDS for name in kind.programmes} <= programmes
    names = {kind.name for kind in KINDS}
    assert {kind.near for kind in KINDS if kind.near} | {kind.like[0] for kind in KINDS if kind.like} <= names


def test_lengths_leave_25_genes_without(full: Demo) -> None:
    table = pd.read_csv(full.files.lengths, sep="\t").set_index("ensembl_gene_id")
    spliced, span = table["longest_transcript_spliced_length"], table["longest_transcript_genomic_span"]
    having = full.genes["ensembl_gene_id"].map(spliced)
    missing = full.genes.loc[having.isna(), "symbol"]
    assert len(missing) == 25 and not missing.isin(MT_GENES).any()
    assert 0 < spliced.isna().sum() < 25 and (spliced.isna() == span.isna()).all()
    assert (span.dropna() > spliced.dropna()).all()
    assert 1500 < spliced.median() < 3500


def test_a_small_dataset_keeps_what_matters(small: Demo, markers: pd.DataFrame) -> None:
    assert small.counts.shape == (308, 1000)
    assert set(small.genes["symbol"]) >= MT_GENES | set(markers["symbol"])
    assert small.genes["symbol"].duplicated().sum() >= 5
    counts = small.labels["tissue"].value_counts()
    assert counts["brain"] == 12 and len(counts) == len(KINDS)
    assert counts.drop("cerebellum").min() >= 6


def test_mitochondrial_genes_are_highly_expressed(full: Demo) -> None:
    share = full.counts[:, full.genes["symbol"].isin(MT_GENES)].sum(axis=1) / full.counts.sum(axis=1)
    assert 0.05 < np.median(share[full.bulk]) < 0.3


def test_same_seed_same_content(small: Demo, tmp_path: Path) -> None:
    again = write_demo(tmp_path / "again", seed=5, n_biosamples=300, n_genes=1000)
    other = load(write_demo(tmp_path / "other", seed=6, n_biosamples=300, n_genes=1000))
    repeat = load(again)
    np.testing.assert_array_equal(repeat.counts, small.counts)
    pd.testing.assert_frame_equal(repeat.biosamples, small.biosamples)
    pd.testing.assert_frame_equal(repeat.genes, small.genes)
    for name in ("labels", "lengths", "example", "example_mixed"):
        assert getattr(again, name).read_bytes() == getattr(small.files, name).read_bytes()
    assert not np.array_equal(other.counts, small.counts)


def test_examples_are_fresh_and_resemble_their_tissue(full: Demo) -> None:
    repeated = set(full.genes["symbol"][full.genes["symbol"].duplicated()])
    usable = ~full.genes["symbol"].isin(repeated).to_numpy()
    profiles = {k.name: np.log2(1 + full.cpm[full.labelled(k.name)][:, usable].mean(axis=0)) for k in KINDS}
    mixed = pd.read_csv(full.files.example_mixed)
    example = pd.read_csv(full.files.example).rename(columns={"count": "simulated_brain_alone"})
    assert list(mixed["gene"]) == list(example["gene"]) == list(full.genes.loc[usable, "symbol"])
    assert mixed.shape[1] == 7
    known = {tuple(row) for row in full.counts[:, usable]}
    for name, column in mixed.join(example.drop(columns="gene")).drop(columns="gene").items():
        assert tuple(column) not in known
        log_cpm = np.log2(1 + column / column.sum() * 1e6)
        best = max(profiles, key=lambda kind: np.corrcoef(log_cpm, profiles[kind])[0, 1])
        assert best == str(name).split("_")[1]


@pytest.mark.parametrize(
    ("size", "message"),
    [({"n_biosamples": 199}, "199 biosamples"), ({"n_genes": 999}, "999 genes"), ({"n_genes": 6001}, "6001 genes")],
)
def test_impossible_sizes_are_refused(size: dict[str, int], message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=message):
        write_demo(tmp_path / "demo", **size)
    assert not (tmp_path / "demo").exists()


def test_progress_reaches_its_total(tmp_path: Path) -> None:
    seen: list[tuple[str, float, float]] = []
    write_demo(
        tmp_path,
        n_biosamples=200,
        n_genes=1000,
        progress=lambda stage, done, total, **_: seen.append((stage, done, total)),
    )
    assert ("simulate", 205, 205) in seen
    assert seen[-1] == ("write", 1, 1)


def test_allot_by_largest_remainder() -> None:
    # Wishes 5, 3, 2 of 10; then 3.5, 2.1, 1.4 of 7, whose whole parts 3, 2, 1 leave one for the remainder .5.
    assert allot(10, [5, 3, 2], [0, 0, 0]).tolist() == [5, 3, 2]
    assert allot(7, [5, 3, 2], [0, 0, 0]).tolist() == [4, 2, 1]
    # Floors first: the third wishes 1 of 10 but gets 3, the others share the remaining 7 as 8 : 1.
    assert allot(10, [8, 1, 1], [0, 0, 3]).tolist() == [6, 1, 3]
