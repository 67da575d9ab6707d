"""Label tables and the multi-hot matrix."""

import gzip
from pathlib import Path

import pytest

from core.errors import LabelsError
from core.sources.annotation import read_labels

KNOWN = ["S1", "S2", "S3"]


def _table(tmp_path: Path, text: str, name: str = "labels.tsv") -> Path:
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["labels.tsv", "labels.csv", "labels.tsv.gz"])
def test_labels_are_read(tmp_path: Path, name: str) -> None:
    text = "﻿# made by hand\nsample_id\ttissue\nS1\tbrain\n\nS1\tcortex\nS3\t liver \nS1\tbrain\n"
    if "csv" in name:
        text = text.replace("\t", ",").replace("brain", '"brain"').replace("\n", "\r\n")
    text = text.replace("# made by hand\r\n", "").replace("# made by hand\n", "")
    labels = read_labels(_table(tmp_path, text, name), KNOWN)
    plain = labels[["sample_id", "label", "source"]].values.tolist()
    assert plain == [["S1", "brain", name], ["S1", "cortex", name], ["S3", "liver", name]]
    assert list(labels.columns) == ["sample_id", "label", "source", "field", "words"]
    assert labels[["field", "words"]].eq("").all(axis=None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample_id\ttissue\nS1\tbrain\nX1\tliver\nX2\tliver\n", "2 of 3 samples are not in the dataset: X1, X2"),
        ("sample_id\ttissue\nX1\tliver\n", r"none of its 1 samples \(X1\) is in the dataset, .* look like S1, S2, S3"),
        ("sample_id\ttissue\nS1\tbrain\nS2\t \n", "line 3: blank label"),
        ("sample_id\ttissue\n\nS1\tbrain\n\tliver\n", "line 4: blank sample_id"),
        ("sample_id\ttissue\nS1\ta|b\n", "line 2: the label 'a|b'"),
        ("sample_id\ttissue\nS1\tbrain\textra\n", "line 2: 3 columns, but the header has 2"),
        ("S1\tbrain\nS2\tliver\n", "header must be sample_id and one label column.*found: S1, brain"),
        ("sample_id\ttissue\tsex\nS1\tbrain\tm\n", "header must be sample_id"),
        ("sample_id\ttissue\n", "a header but no rows"),
        ('sample_id\ttissue\nS1\t"brain\nS2\tliver\n', "line 3: a quoted cell runs over lines"),
        ("sample_id\nS1\n", "line 1: one column only"),
        ("# nothing\n", "has no rows"),
        ("\n;\n", "line 2: the header names no column"),
        ("", "the file is empty"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabelsError, match=f"labels.tsv.*{message}"):
        read_labels(_table(tmp_path, text), KNOWN)


def test_ids_left_out_on_purpose_are_passed_over(tmp_path: Path) -> None:
    path = _table(tmp_path, "sample_id\ttissue\nS1\tbrain\nSC1\tbrain\n")
    assert read_labels(path, KNOWN, ignore={"SC1"})["sample_id"].to_list() == ["S1"]
    with pytest.raises(LabelsError, match="1 of 2 samples"):
        read_labels(path, KNOWN)


def test_damaged_files(tmp_path: Path) -> None:
    cut = tmp_path / "labels.tsv.gz"
    cut.write_bytes(gzip.compress(b"sample_id\ttissue\nS1\tbrain\n", mtime=0)[:-9])
    with pytest.raises(LabelsError, match="damaged gzip"):
        read_labels(cut, KNOWN)
    with pytest.raises(LabelsError, match="no such file"):
        read_labels(tmp_path / "none.tsv", KNOWN)
    (tmp_path / "latin.tsv").write_bytes(b"sample_id\ttissue\nS1\tcaf\xe9\n")
    with pytest.raises(LabelsError, match="line 2: not UTF-8"):
        read_labels(tmp_path / "latin.tsv", KNOWN)


def test_the_real_labels(real_data: Path) -> None:
    path = real_data / "human_tissue_labels.tsv"
    plain = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    samples = list(dict.fromkeys(sample for sample, _ in plain))
    labels = read_labels(path, samples)
    assert (len(samples), labels["label"].nunique()) == (603, 20)
    assert set(zip(labels["sample_id"], labels["label"], strict=True)) == {tuple(row) for row in plain}
