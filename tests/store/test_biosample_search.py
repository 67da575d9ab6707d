"""The search over biosamples, held against plain Python over the same table."""

import re
import time

import numpy as np
import pandas as pd
import pytest

from core.errors import RecipeError
from core.store import biosample_search as found_by
from core.store.biosample_search import BiosampleSearch, SampleQuery

FIELDS = ("sample_id", "series_id", "title", "source_name_ch1", "characteristics_ch1", "labels")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng, n = np.random.default_rng(4), 300
    tissue = rng.choice(["Brain", "Liver, left lobe", "Blood"], n)
    sex = rng.choice(["male", "female"], n)
    labels = rng.choice(["brain", "liver", "brain|cortex", ""], n)
    return pd.DataFrame({
        "sample_id": [f"GSM{number:05d}" for number in range(n)],
        "series_id": rng.choice(["GSE1", "GSE2", "GSE30", ""], n),
        "title": [f"{name} of donor {number % 7}" for number, name in enumerate(tissue)],
        "source_name_ch1": tissue,
        "characteristics_ch1": [f"tissue: {tissue[i]},Sex: {sex[i]},id: {i}" for i in range(n)],
        "singlecellprobability": np.where(rng.random(n) < 0.2, np.nan, rng.random(n) * 0.5),
        "alignedreads": rng.choice([5e5, 1e6, 7e6, 3e7, np.nan], n),
        "depth": rng.integers(1e5, 1e8, n).astype(float),
        "zero_share": rng.random(n),
        "labels": labels,
        "platform": rng.choice(["HiSeq", "NovaSeq"], n),
    })  # fmt: skip


@pytest.fixture(scope="module")
def search(table: pd.DataFrame) -> BiosampleSearch:
    return BiosampleSearch(table)


def ids(table: pd.DataFrame, search: BiosampleSearch, query: SampleQuery) -> list[str]:
    return table["sample_id"].iloc[search.find(query).rows].tolist()


@pytest.mark.parametrize("words", ["", "LIVER", "brain donor 3", "gsm0001", "gse30 female", "100%", "cortex"])
def test_every_word_is_in_one_of_the_fields(table: pd.DataFrame, search: BiosampleSearch, words: str) -> None:
    text = ["\n".join(row).lower() for row in table[list(FIELDS)].itertuples(index=False)]
    wanted = [all(word in one for word in words.lower().split()) for one in text]
    assert ids(table, search, SampleQuery(words)) == table.loc[wanted, "sample_id"].tolist()


@pytest.mark.parametrize("pattern", [r"^gsm000\d5$", r"left|cortex", "^liver$", r"sex: FEMALE,id: 1\d\b", "r [36]$"])
def test_a_pattern_matches_one_field_in_either_case(table: pd.DataFrame, search: BiosampleSearch, pattern: str) -> None:
    compiled = re.compile(pattern, re.IGNORECASE)
    wanted = [any(compiled.search(field) for field in row) for row in table[list(FIELDS)].itertuples(index=False)]
    assert any(wanted)
    assert ids(table, search, SampleQuery(regex=pattern)) == table.loc[wanted, "sample_id"].tolist()


def test_counts_of_a_facet_are_those_under_all_other_filters(table: pd.DataFrame, search: BiosampleSearch) -> None:
    chosen = (("label", ("brain",)), ("sex", ("male",)), ("platform", ("HiSeq", "NovaSeq")))
    found = search.find(SampleQuery("donor", chosen=chosen))
    male = table["characteristics_ch1"].str.contains("Sex: male")
    brain = table["labels"].str.split("|").map(lambda names: "brain" in names)
    assert table["sample_id"].iloc[found.rows].tolist() == table.loc[male & brain, "sample_id"].tolist()
    of = {name: dict(zip(part["value"], part["biosamples"], strict=True)) for name, part in found.facets.items()}
    labels = table.loc[male, "labels"].replace("", "no label").str.split("|").explode().value_counts()
    assert of["label"] == labels.to_dict()
    assert of["sex"] == {"male": (male & brain).sum(), "female": (~male & brain).sum()}
    assert of["series"] == table.loc[male & brain, "series_id"].replace("", "no series").value_counts().to_dict()
    assert of["tissue"] == table.loc[male & brain, "source_name_ch1"].value_counts().to_dict()


def test_depth_and_single_cell_are_ranges_in_their_order(table: pd.DataFrame, search: BiosampleSearch) -> None:
    found = search.find(SampleQuery()).facets
    reads = table["alignedreads"]
    assert dict(found["depth"].to_numpy().tolist()) == {
        "below 1 M": (reads < 1e6).sum(), "1 to 5 M": (reads == 1e6).sum(), "5 to 10 M": (reads == 7e6).sum(),
        "20 to 50 M": (reads == 3e7).sum(), "unknown": reads.isna().sum(),
    }  # fmt: skip
    assert found["depth"]["value"].tolist()[0] == "below 1 M"
    assert search.names["depth"] == "Aligned reads"
    single = table["singlecellprobability"]
    low = found["single_cell"].set_index("value")["biosamples"]
    assert low["below 0.1"] == (single < 0.1).sum()
    assert low["unknown"] == single.isna().sum()


def test_facets_are_what_the_dataset_tells_of_many_but_not_of_each(search: BiosampleSearch) -> None:
    assert list(search.names) == ["label", "series", "depth", "single_cell", "platform", "sex", "tissue"]


def test_depth_is_that_of_the_counts_where_the_file_has_no_aligned_reads(table: pd.DataFrame) -> None:
    bare = BiosampleSearch(table.assign(alignedreads=np.nan, singlecellprobability=np.nan))
    assert bare.names["depth"] == "Counts in all"
    assert "single_cell" not in bare.names


@pytest.mark.parametrize("falling", [False, True])
def test_sorts_all_of_them_and_puts_the_unknown_last(
    table: pd.DataFrame, search: BiosampleSearch, falling: bool
) -> None:
    wanted = table.sort_values("alignedreads", ascending=not falling, kind="stable", na_position="last")
    assert ids(table, search, SampleQuery(sort="alignedreads", descending=falling)) == wanted["sample_id"].tolist()


@pytest.mark.parametrize("pattern", ["a(b", "[", "*a", r"(?=x)", r"(a)\1", "(" * 400])
def test_a_pattern_that_is_none_is_named_with_why(search: BiosampleSearch, pattern: str) -> None:
    with pytest.raises(RecipeError, match="regular expression"):
        search.find(SampleQuery(regex=pattern))
    assert len(search.find(SampleQuery()).rows) == 300


def test_patterns_that_blow_up_elsewhere_come_back(table: pd.DataFrame) -> None:
    long = table.assign(title="a" * 5000)
    for pattern in (r"^(a+)+b$", r"(a|aa)+$b", r"(.*)*x{2}y"):
        assert not len(BiosampleSearch(long).find(SampleQuery(regex=pattern)).rows)


def test_a_search_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch, search: BiosampleSearch) -> None:
    monkeypatch.setattr(found_by, "SLOWEST_S", 0.05)

    def endless(self, cursor, query, chosen):  # type: ignore[no-untyped-def]
        time.sleep(0.01)
        cursor.execute("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = -1")

    monkeypatch.setattr(BiosampleSearch, "_match", endless)
    with pytest.raises(RecipeError, match="stopped"):
        search.find(SampleQuery(regex="a"))


def test_other_choices_that_cannot_be_are_named(search: BiosampleSearch) -> None:
    with pytest.raises(RecipeError, match="sort"):
        search.find(SampleQuery(sort="position; DROP TABLE samples"))
    with pytest.raises(RecipeError, match="facet"):
        search.find(SampleQuery(chosen=(("colour", ("red",)),)))
    with pytest.raises(RecipeError, match="500"):
        search.find(SampleQuery(regex="a" * 501))


def test_quotes_in_values_are_only_text(search: BiosampleSearch) -> None:
    assert not len(search.find(SampleQuery("'; DROP TABLE items; --", chosen=(("label", ("o'hare",)),))).rows)
    assert len(search.find(SampleQuery()).rows) == 300
