"""The command line as scripts use it: a process, its exit status, its two streams."""

import gzip
import io
import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest

from core.__main__ import main
from core.settings import PROJECT
from core.sources.archs4 import Archs4File, write_archs4

RANKINGS = [
    "symbol", "ensembl_gene_id", "length_bp", "mean", "p95", "signal", "signal_rank", "mean_cosine", "cosine_rank",
    "co_rank", "n_neighbours", "n_tied", "same_series_share", "tau", "gini", "zero_share", "top_label",
]  # fmt: skip
PREDICTIONS = ["sample", "predicted", "probability", "abstained", "genes_matched", "genes_expected", "novelty", "model"]


@pytest.fixture
def mine(demo_root, tmp_path):
    """A copy of the small demo's data folder."""
    shutil.copytree(demo_root, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def run(capsys):
    def command(*arguments, folder):
        status = main(["--data-dir", str(folder), *map(str, arguments)])
        streams = capsys.readouterr()
        return status, streams.out, streams.err

    return command


def table(text):
    return pd.read_csv(io.StringIO(text))


def test_as_a_process(demo_root):
    command = [sys.executable, "-m", "core", "--data-dir", str(demo_root), "rankings", "demo", "--limit", "3"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0].split(",") == RANKINGS
    assert len(done.stdout.splitlines()) == 4
    command[-4:] = ["rankings", "nowhere"]
    failed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith("error: There is no dataset 'nowhere'")
    assert len(failed.stderr.splitlines()) == 1


def test_the_place_can_come_from_the_environment(demo_root):
    done = subprocess.run(
        [sys.executable, "-m", "core", "datasets"],
        cwd=PROJECT,
        env={"ARCHSCOPE_DATA": str(demo_root), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert table(done.stdout)["name"].tolist() == ["demo"]


@pytest.mark.parametrize("words", [("rankings", "demo"), ("runs", "demo"), ("datasets",)])
def test_the_data_folder_may_stand_anywhere(capsys, demo_root, words):
    assert main(["--data-dir", str(demo_root), *words]) == 0
    before = capsys.readouterr().out
    assert main([*words, "--data-dir", str(demo_root)]) == 0
    assert capsys.readouterr().out == before


def test_rankings_sort_and_format(run, demo_root):
    status, out, _ = run(
        "rankings", "demo", "--sort", "mean_cosine", "--limit", 5, "--format", "json", folder=demo_root
    )
    rows = json.loads(out)
    assert status == 0
    assert [list(row) for row in rows] == [RANKINGS] * 5
    values = [row["mean_cosine"] for row in rows]
    assert values == sorted(values, reverse=True)


def test_neighbourhood(run, demo_root):
    _, out, _ = run("neighbourhood", "demo", "GFAP", folder=demo_root)
    members = table(out)
    assert {"sample_id", "series_id", "labels", "value", "tied", "mean_cosine"} <= set(members)
    _, out, _ = run("neighbourhood", "demo", "GFAP", "--format", "json", folder=demo_root)
    content = json.loads(out)
    assert content["gene"]["symbol"] == "GFAP"
    assert content["gene"]["n_neighbours"] == len(content["members"]) == len(members)
    assert 0 < content["random_mean_cosine"]["mean"] < 1


def test_build_twice_is_a_cache_hit_and_another_recipe_is_not(run, mine):
    files = mine / "demo"
    build = ("build", files / "demo.h5", "--name", "mine", "--labels", files / "demo_labels.tsv")
    lengths = ("--lengths", files / "demo_lengths.tsv")
    status, out, err = run(*build, *lengths, folder=mine)
    assert (status, "built in" in out) == (0, True)
    assert "left out as single-cell" in err
    _, first, _ = run("rankings", "mine", folder=mine)
    _, out, _ = run(*build, *lengths, folder=mine)
    assert "cache hit" in out
    _, out, _ = run(*build, *lengths, "--length-unit", "bp", folder=mine)
    assert "built in" in out
    _, second, _ = run("rankings", "mine", folder=mine)
    assert not np.allclose(table(first)["mean"], table(second)["mean"])
    _, out, _ = run(*build, "--length-measure", "none", "--memory", "50MB", folder=mine)
    assert "built in" in out
    assert not list((mine / "datasets").glob(".*"))


def test_both_engines_and_any_block_size_agree(run, mine):
    files = mine / "demo"
    build = ("build", files / "demo.h5", "--labels", files / "demo_labels.tsv", "--lengths", files / "demo_lengths.tsv")
    run(*build, "--name", "a", folder=mine)
    run(*build, "--name", "b", "--memory", "1MB", folder=mine)
    run(*build, "--name", "c", "--engine", "dask", folder=mine)
    tables = [table(run("rankings", name, "--sort", "symbol", folder=mine)[1]) for name in "abc"]
    for other in tables[1:]:
        pd.testing.assert_frame_equal(other, tables[0], rtol=1e-6)
        assert other["signal_rank"].tolist() == tables[0]["signal_rank"].tolist()
    members = [np.load(mine / "datasets" / name / "members.npy") for name in "abc"]
    assert (members[0] == members[1]).all()
    assert (members[0] == members[2]).all()


def test_train_runs_and_classify(run, mine):
    command = ("train", "classifier", "demo", "--trees", 10, "--split", "series", "--seed", 3)
    status, out, err = run(*command, folder=mine)
    trained = json.loads(out)
    assert (status, trained["status"]) == (0, "done")
    assert "held-out" in err
    f1 = trained["metrics"]["splits"]["series"]["model"]["samples_f1"]
    assert f"series {f1:.3f} (majority label" in err
    _, out, _ = run("runs", "demo", folder=mine)
    rows = table(out).set_index("id")
    assert rows.loc[trained["run"], "kind"] == "classifier"
    assert rows.loc[trained["run"], "active"]
    example = mine / "demo" / "example_brain.csv"
    _, out, _ = run("classify", "demo", example, folder=mine)
    assert list(table(out)) == PREDICTIONS
    assert "brain" in table(out)["predicted"][0].split("|")
    _, out, _ = run("classify", "demo", example, "--run", trained["run"], "--format", "json", folder=mine)
    row = json.loads(out)[0]
    assert row["predicted"].split("|")[0] == next(iter(row["probabilities"]))
    assert sum(1 for value in row["probabilities"].values() if 0 <= value <= 1) == len(row["probabilities"])
    assert row["nearest"][0]["cosine"] >= row["nearest"][-1]["cosine"]
    assert {"symbol", "z_all", "z_label"} <= set(row["high_genes"][0])
    _, out, _ = run("classify", "demo", mine / "demo" / "example_mixed.csv", folder=mine)
    assert len(table(out)) == 6
    mixed = mine / "demo" / "example_mixed.csv"
    status, said, err = run("classify", "demo", mixed, "--units", "tpm", "--out", mine / "a.parquet", folder=mine)
    assert (status, said) == (0, "")
    assert "multiplied by gene length, as was asked for" in err
    assert pd.read_parquet(mine / "a.parquet")["sample"].tolist() == table(out)["sample"].tolist()
    assert run("classify", "demo", mixed, "--out", mine / "none" / "a.csv", folder=mine)[0] == 2


def test_gan_synthesize_and_evaluate(run, mine):
    status, out, _ = run("train", "gan", "demo", "--label", "brain", "--model", "pca-gaussian", folder=mine)
    trained = json.loads(out)["run"]
    assert status == 0
    _, out, _ = run("evaluate", trained, "--format", "json", folder=mine)
    found = json.loads(out)
    assert found["held_out"] > 0
    assert {"synthetic", "real_real", "pca_gaussian"} <= set(found["scorecard"][0])
    _, out, _ = run("evaluate", trained, folder=mine)
    assert len(table(out)) == len(found["scorecard"])
    for suffix in ("csv", "parquet", "h5"):
        status, _, _ = run("synthesize", trained, "-n", 4, "--out", mine / f"s.{suffix}", folder=mine)
        assert status == 0
    with Archs4File(mine / "s.h5") as file:
        counts = file.read(np.arange(4))
        assert file.shape == (4, len(pd.read_parquet(mine / "s.parquet")))
        assert set(file.biosamples["source_name_ch1"]) == {"brain"}
    np.testing.assert_array_equal(pd.read_parquet(mine / "s.parquet").iloc[:, 2:].to_numpy().T, counts)
    np.testing.assert_array_equal(pd.read_csv(mine / "s.csv", index_col="gene").to_numpy().T, counts)
    _, out, _ = run("classify", "demo", mine / "s.h5", folder=mine)
    assert table(out)["predicted"].str.contains("brain").mean() >= 0.75
    assert run("synthesize", trained, "--out", mine / "s.txt", folder=mine)[0] == 2
    assert run("synthesize", "nope", "--out", mine / "s.h5", folder=mine)[0] == 2
    assert run("synthesize", trained, "-n", 0, "--out", mine / "s.h5", folder=mine)[0] == 2


def write(path, text):
    path.write_text(text)
    return path


def bad_builds(folder):
    """(what, file, extra arguments, what the error says) for a build that cannot be."""
    good, demo = folder / "demo" / "demo.h5", folder / "demo"
    lengths = ("--lengths", demo / "demo_lengths.tsv")
    cut = folder / "cut.h5"
    cut.write_bytes(good.read_bytes()[:20_000])
    empty = folder / "no_expression.h5"
    with h5py.File(empty, "w") as file:
        file["meta/genes/symbol"] = ["A"]
    unknown = write(folder / "unknown.tsv", "sample_id\ttissue\nGSM1\tbrain\n")
    columns = write(folder / "columns.tsv", "gene\tbases\nALB\t2000\n")
    return [
        (cut, lengths, "cut.h5"),
        (empty, lengths, "data/expression"),
        (write(folder / "zero.h5", ""), lengths, "zero.h5"),
        (folder / "absent.h5", lengths, "no file"),
        (good, (*lengths, "--labels", unknown), "GSM1"),
        (good, ("--lengths", columns), "columns.tsv"),
        (good, (), "--lengths"),
        (good, (*lengths, "--memory", "lots"), "lots"),
        (good, (*lengths, "--memory", "1KB"), "1KB"),
        (good, (*lengths, "--max-singlecell", "0"), "single-cell"),
        (good, (*lengths, "--scheduler", "tcp://127.0.0.1:1"), "--engine dask"),
    ]


@pytest.mark.parametrize("case", range(11))
def test_bad_builds_say_one_line_and_change_nothing(run, mine, case):
    file, extra, says = bad_builds(mine)[case]
    before = sorted(path.name for path in (mine / "datasets").iterdir())
    old = (mine / "datasets" / "demo" / "manifest.json").read_bytes()
    status, out, err = run("build", file, "--name", "demo", *extra, folder=mine)
    assert (status, out) == (2, "")
    message = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(message) == 1
    assert says in message[0]
    assert sorted(path.name for path in (mine / "datasets").iterdir()) == before
    assert (mine / "datasets" / "demo" / "manifest.json").read_bytes() == old


BAD_UPLOADS = {
    "no known gene": ("a.csv", b"gene,count\nfoo,1\nbar,2\n", "foo"),
    "negative": ("a.csv", b"gene,count\nALB,-1\nGFAP,2\n", "ALB"),
    "words": ("a.tsv", b"gene\tcount\nALB\t1\nGFAP\tmany\n", "many"),
    "twice": ("a.csv", b"gene,count\nALB,1\nALB,2\nGFAP,3\n", "ALB"),
    "empty": ("a.csv", b"", "empty"),
    "empty gzip": ("a.csv.gz", gzip.compress(b"", mtime=0), "empty"),
    "junk": ("a.csv", bytes(range(256)) * 20, "a.csv"),
    "truncated h5": ("a.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 100, "a.h5"),
}


@pytest.mark.parametrize("what", BAD_UPLOADS)
def test_bad_uploads_say_one_line(run, demo_root, tmp_path, what):
    name, content, says = BAD_UPLOADS[what]
    (tmp_path / name).write_bytes(content)
    status, out, err = run("classify", "demo", tmp_path / name, folder=demo_root)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert says in err


def test_other_mistakes(run, mine):
    assert run("neighbourhood", "demo", "NOGENE", folder=mine)[0] == 2
    assert run("train", "gan", "demo", "--label", "unicorn", folder=mine)[0] == 2
    assert run("train", "classifier", "demo", "--trees", "0", folder=mine)[0] == 2
    assert run("train", "classifier", "demo", "--min-label-count", "100000", folder=mine)[0] == 2
    assert run("evaluate", "nope", folder=mine)[0] == 2
    assert run("build", mine / "demo" / "demo.h5", "--name", "../x", "--length-measure", "none", folder=mine)[0] == 2
    with pytest.raises(SystemExit) as stopped:
        main(["rankings"])
    assert stopped.value.code == 2


def test_a_dataset_without_labels(run, mine):
    run("build", mine / "demo" / "demo.h5", "--name", "bare", "--length-measure", "none", folder=mine)
    _, out, _ = run("rankings", "bare", folder=mine)
    assert table(out)["tau"].isna().all()
    status, _, err = run("train", "classifier", "bare", folder=mine)
    assert status == 2
    assert "no labels" in err
    assert run("classify", "bare", mine / "demo" / "example_brain.csv", folder=mine)[0] == 2


def test_genes_expressed_nowhere_or_once(run, tmp_path, capsys):
    rng = np.random.default_rng(1)
    counts = rng.poisson(30, (40, 12)).astype(np.uint32)
    counts[:, 0] = 0
    counts[:, 1] = 0
    counts[7, 1] = 5
    genes = pd.DataFrame({"symbol": [f"G{i}" for i in range(12)], "ensembl_gene_id": "", "biotype": ""})
    biosamples = pd.DataFrame({"sample_id": [f"S{i}" for i in range(40)]})
    for column in ("series_id", "title", "source_name_ch1", "characteristics_ch1"):
        biosamples[column] = ""
    biosamples = biosamples.assign(singlecellprobability=0.0, alignedreads=1.0)
    write_archs4(tmp_path / "x.h5", counts, genes, biosamples, {})
    run("build", tmp_path / "x.h5", "--name", "x", "--length-measure", "none", folder=tmp_path / "d")
    rows = json.loads(run("rankings", "x", "--format", "json", folder=tmp_path / "d")[1])
    by_symbol = {row["symbol"]: row for row in rows}
    assert by_symbol["G0"]["mean_cosine"] is None
    assert by_symbol["G0"]["cosine_rank"] is None
    assert by_symbol["G1"]["mean_cosine"] == 0.0
    assert by_symbol["G2"]["mean_cosine"] > 0
