"""Labels of several sources together, what they imply, and what identifies them."""

from pathlib import Path

import pandas as pd
import pytest

from core.errors import LabelsError, NotFoundError
from core.sources.fingerprint import content_fingerprint
from core.sources.label_parents import SHIPPED as SHIPPED_PARENTS
from core.sources.label_parents import implied, read_parents
from core.sources.label_sources import LabelSources
from core.sources.label_vocabulary import SHIPPED as SHIPPED_RULES
from core.sources.label_vocabulary import read_vocabulary

BIOSAMPLES = pd.DataFrame(
    {
        "sample_id": ["S1", "S2", "S3"],
        "title": "x",
        "source_name_ch1": ["cerebellum", "putamen", "RNA"],
        "characteristics_ch1": "",
    }
)


def bits(sources: LabelSources, **more: int) -> list[tuple[str, ...]]:
    return [tuple(row) for row in sources.read(BIOSAMPLES, **more).table.to_numpy()]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.tsv"
    path.write_text("sample_id\tlabel\nS1\tcerebellum\nS3\thippocampus\n")
    return path


@pytest.fixture
def parents(tmp_path: Path) -> Path:
    path = tmp_path / "parents.tsv"
    path.write_text("child\tparent\ncerebellum\tbrain\nputamen\tstriatum\nstriatum\tbrain\nhippocampus\tbrain\n")
    return path


def test_a_table_stays_as_it_is(table: Path) -> None:
    assert bits(LabelSources(table)) == [
        ("S1", "cerebellum", "mine.tsv", "", ""),
        ("S3", "hippocampus", "mine.tsv", "", ""),
    ]


def test_rules_get_parents_and_a_table_only_where_asked(table: Path, parents: Path, tmp_path: Path) -> None:
    ruled = {
        ("S2", "putamen", "rules", "source_name_ch1", "putamen"),
        ("S2", "striatum", "implied by putamen", "", ""),
        ("S2", "brain", "implied by putamen", "", ""),
        ("S1", "brain", "implied by cerebellum", "", ""),
    }
    given = {("S1", "cerebellum", "mine.tsv", "", ""), ("S3", "hippocampus", "mine.tsv", "", "")}
    # A bit that table and rules share stands once, with the first source.
    assert set(bits(LabelSources(table, SHIPPED_RULES))) == ruled | given
    everything = ruled | given | {("S3", "brain", "implied by hippocampus", "", "")}
    assert set(bits(LabelSources(table, SHIPPED_RULES, parents))) == everything
    assert set(bits(LabelSources(table, parents=parents))) == {
        *given, ("S1", "brain", "implied by cerebellum", "", ""), ("S3", "brain", "implied by hippocampus", "", ""),
    }  # fmt: skip
    folder = tmp_path / "folder"
    (folder / "brain").mkdir(parents=True)
    (folder / "brain" / "t.tsv").write_text("gene\tS3\n")
    assert ("S3", "brain", "brain/t.tsv", "", "") in bits(LabelSources(folder, SHIPPED_RULES))


def test_rules_may_be_for_new_biosamples_alone() -> None:
    found = LabelSources(rules=SHIPPED_RULES).read(BIOSAMPLES, rules_for=1)
    assert set(found.table["sample_id"]) == {"S2"}
    assert found.notes == ["Rules labelled 1 of 2 biosamples."]


def test_parents_are_transitive_and_repeat_nothing(parents: Path) -> None:
    assert read_parents(parents)["putamen"] == ["striatum", "brain"]
    labels = pd.DataFrame({"sample_id": ["S1", "S1", "S1"], "label": ["putamen", "brain", "cerebellum"]})
    found = implied(labels, read_parents(parents))
    assert found[["sample_id", "label", "source"]].to_numpy().tolist() == [["S1", "striatum", "implied by putamen"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("child\tparent\na\tb\nb\tc\nc\ta\n", "in a circle: a -> b -> c -> a"),
        ("child\tparent\nx\ta\na\ta\n", "in a circle: a -> a"),
        ("child\tother\na\tb\n", "header must be child and parent; found: child, other"),
        ("child\tparent\na\t\n", "line 2: a label is blank"),
        ("child\tparent\na\tb|c\n", "line 2: a label is blank or has a"),
    ],
)
def test_parents_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "p.tsv"
    path.write_text(text)
    with pytest.raises(LabelsError, match=f"p.tsv.*{message}"):
        read_parents(path)


def test_a_diamond_is_no_circle(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    path.write_text("child\tparent\na\tb\na\tc\nb\td\nc\td\n")
    assert read_parents(path)["a"] == ["b", "c", "d"]


def test_the_shipped_parents_are_of_the_shipped_vocabulary() -> None:
    known = set(read_vocabulary(SHIPPED_RULES).kinds)
    for child, above in read_parents(SHIPPED_PARENTS).items():
        assert {child, *above} <= known


def test_fingerprints(table: Path, parents: Path, tmp_path: Path) -> None:
    counts = tmp_path / "counts.h5"
    counts.write_bytes(b"counts")
    words = tmp_path / "words.tsv"
    words.write_bytes(SHIPPED_RULES.read_bytes())
    folder = tmp_path / "folder"
    (folder / "brain").mkdir(parents=True)
    columns = folder / "brain" / "t.tsv"
    columns.write_text("gene\tGSM1\nALB\t3\n")

    def of(*sources: Path | None) -> str:
        labels = LabelSources(*sources)
        return labels.fingerprint([counts, *labels.files])

    assert of(None) == content_fingerprint([counts]), "a build without labels keeps its key"
    assert of(table) == content_fingerprint([counts, table]), "a build with a table keeps its key"
    kinds = [of(None), of(table), of(folder), of(None, words), of(None, None, parents), of(None, words, parents)]
    assert len(set(kinds)) == len(kinds)
    assert of(None, words) == of(None, SHIPPED_RULES), "content counts, not the name"
    before = of(folder), of(None, words), of(None, words, parents)
    columns.write_text("gene\tGSM1\nALB\t4\n")
    assert of(folder) == before[0], "the counts in a label's table say nothing of labels"
    columns.write_text("gene\tGSM1\tGSM2\n")
    words.write_bytes(words.read_bytes() + b"gill\ttissue\t\n")
    changed = of(folder), of(None, words), of(None, words, parents)
    assert all(a != b for a, b in zip(before, changed, strict=True))
    columns.parent.rename(folder / "liver")
    assert of(folder) != changed[0]
    parents.write_text(parents.read_text() + "cortex\tbrain\n")
    assert of(None, words, parents) != changed[2]


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no file or folder .*nowhere"):
        _ = LabelSources(tmp_path / "nowhere").files
    for sources in (LabelSources(rules=tmp_path / "nowhere"), LabelSources(parents=tmp_path)):
        with pytest.raises(NotFoundError, match="no file "):
            _ = sources.files
