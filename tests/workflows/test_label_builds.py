"""Builds and additions with labels from a folder and from rules, as the command line asks for them."""

import numpy as np
import pandas as pd
import pytest

from core.__main__ import main
from core.sources.archs4 import write_archs4
from core.store.workspace import Workspace

INFO = {"version": "2.5", "organism": "Homo sapiens"}
TEXTS = {
    "source_name_ch1": ["cerebellum", "liver", "HeLa", "RNA", "non-liver", "cerebellum", "spleen", "lung cancer"],
    "title": ["a", "b", "c", "kidney 4", "e", "f", "g", "h"],
}


@pytest.fixture
def files(tmp_path):
    """Eight biosamples in one file, the first five in another, gene lengths, and a folder of labels."""
    rng = np.random.default_rng(5)
    counts = rng.integers(0, 400, (8, 30), dtype=np.uint32)
    names = [f"G{i}" for i in range(30)]
    genes = pd.DataFrame({"symbol": names, "ensembl_gene_id": "", "biotype": ""})
    biosamples = pd.DataFrame(
        {
            "sample_id": [f"GSM{i}" for i in range(1, 9)],
            "series_id": "GSE1",
            **TEXTS,
            "characteristics_ch1": "age: 3",
            "singlecellprobability": 0.0,
            "alignedreads": 1.0,
        }
    )
    write_archs4(tmp_path / "all.h5", counts, genes, biosamples, INFO)
    write_archs4(tmp_path / "five.h5", counts[:5], genes, biosamples.iloc[:5], INFO)
    for label, header in {"tissue/adrenal_gland": "gene\tGSM5\n", "cell_line/HeLa": "gene\tGSM3\tGSM77\n"}.items():
        (tmp_path / "downloads" / label).mkdir(parents=True)
        (tmp_path / "downloads" / label / "table.tsv").write_text(header)
    return tmp_path


def command(files, *arguments):
    return main(["--data-dir", str(files / "data"), *map(str, arguments)])


def labels(files):
    table = Workspace(files / "data").dataset("x").source_labels
    return {(row.sample_id, row.label, row.source) for row in table.itertuples()}


RULED = {
    ("GSM1", "cerebellum", "rules"), ("GSM1", "brain", "implied by cerebellum"), ("GSM2", "liver", "rules"),
    ("GSM4", "kidney", "rules"),
}  # fmt: skip


def test_a_folder_and_rules_together(files, capsys):
    plain = ("build", files / "five.h5", "--name", "x", "--length-measure", "none", "--labels", files / "downloads")
    assert command(files, *plain, "--label-rules") == 0
    said = capsys.readouterr().err
    assert "note: 1 biosamples of downloads are not in the dataset." in said
    assert "note: Rules labelled 4 of 5 biosamples." in said
    folder = {
        ("GSM5", "adrenal gland", "tissue/adrenal_gland/table.tsv"), ("GSM3", "HeLa", "cell_line/HeLa/table.tsv"),
    }  # fmt: skip
    assert labels(files) == RULED | folder
    assert command(files, *plain, "--label-rules") == 0
    assert "cache hit" in capsys.readouterr().out
    (files / "downloads" / "tissue" / "adrenal_gland" / "table.tsv").write_text("gene\tGSM5\tGSM1\n")
    assert command(files, *plain, "--label-rules") == 0
    assert "cache hit" not in capsys.readouterr().out
    assert ("GSM1", "adrenal gland", "tissue/adrenal_gland/table.tsv") in labels(files)
    assert command(files, *plain) == 0
    assert not {row for row in labels(files) if row[2] == "rules"}
    joined = Workspace(files / "data").dataset("x").biosamples.set_index("sample_id")["labels"]
    assert joined["GSM3"] == "HeLa"


def test_rules_of_an_addition_are_for_its_biosamples(files, capsys):
    command(files, "build", files / "five.h5", "--name", "x", "--length-measure", "none", "--labels",
            files / "downloads")  # fmt: skip
    path = files / "data" / "datasets" / "x" / "labels.parquet"
    pd.read_parquet(path)[["sample_id", "label", "source"]].to_parquet(path)  # as an earlier version left it
    before = labels(files)
    assert command(files, "add", "x", files / "all.h5", "--label-rules") == 0
    assert labels(files) == before | {
        ("GSM6", "cerebellum", "rules"), ("GSM6", "brain", "implied by cerebellum"), ("GSM7", "spleen", "rules"),
        ("GSM8", "lung", "rules"),
    }  # fmt: skip
    table = Workspace(files / "data").dataset("x").source_labels
    assert table[["field", "words"]].notna().all(axis=None)
    assert set(table.loc[table["source"] == "rules", "field"]) == {"source_name_ch1"}


def test_an_addition_in_steps_is_the_build_at_once(files):
    rules = ("--length-measure", "none", "--label-rules")
    command(files, "build", files / "five.h5", "--name", "x", *rules)
    command(files, "add", "x", files / "all.h5", "--label-rules")
    steps = labels(files)
    command(files, "build", files / "all.h5", "--name", "x", *rules)
    assert labels(files) == steps


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--labels", "nowhere"), "There is no file or folder nowhere"),
        (("--label-rules", "nowhere.tsv"), "There is no file nowhere.tsv"),
        (("--label-rules", "{bad}"), "header must be label, kind and words"),
        (("--label-rules", "--parents", "{circle}"), "in a circle: a -> b -> a"),
        (("--labels", "{empty}"), "has no folders"),
    ],
)
def test_mistakes_say_one_line(files, capsys, arguments, message):
    (files / "bad.tsv").write_text("a\tb\n1\t2\n")
    (files / "circle.tsv").write_text("child\tparent\na\tb\nb\ta\n")
    (files / "empty").mkdir()
    places = {"bad": files / "bad.tsv", "circle": files / "circle.tsv", "empty": files / "empty"}
    given = [argument.format(**places) for argument in arguments]
    assert command(files, "build", files / "five.h5", "--name", "x", "--length-measure", "none", *given) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert message in said[0]
    assert not (files / "data" / "datasets" / "x").exists()


def test_real_metadata(real_data, tmp_path):
    from core.sources.archs4 import Archs4File
    from core.sources.label_sources import SHIPPED_RULES, LabelSources

    with Archs4File(real_data / "human_tissue_counts.h5") as source:
        biosamples = source.biosamples
    found = LabelSources(rules=SHIPPED_RULES).read(biosamples).table
    by_hand = pd.read_csv(real_data / "human_tissue_labels.tsv", sep="\t").set_axis(["sample_id", "label"], axis=1)
    wanted = set(zip(by_hand["sample_id"], by_hand["label"].replace("fibroblast culture", "fibroblast"), strict=True))
    got = set(zip(found["sample_id"], found["label"], strict=True))
    assert len(wanted & got) == len(wanted)
    # What is more is a finer place or what it implies, of biosamples of brain, gut and muscle.
    assert {label for _, label in got - wanted} == {
        "cerebellum", "frontal cortex", "cerebral cortex", "intestine", "muscle",
    }  # fmt: skip
