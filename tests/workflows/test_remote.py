"""Slices of remote files from the choice to the built dataset, and the commands that make them."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from core import workflows
from core.__main__ import main
from core.errors import LabelsError, NotFoundError, RecipeError, RemoteError
from core.settings import PROJECT
from core.sources.archs4 import Archs4File
from core.sources.remote_http import Patience
from core.store.remote_cache import Parts
from core.store.workspace import Workspace
from core.types import silent
from core.workflows import FetchRequest, RemoteChoice
from tests.sources.large_archs4 import tissue_of, write_large_archs4
from tests.sources.range_server import RangeServer
from tests.sources.transcript_files import GENERATIONS, make, write_gtf

QUICK = Patience(timeout=5.0, tries=3, pause=0.001)
N, N_GENES = 1_000, 600


@pytest.fixture(scope="module")
def remote_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_large_archs4(tmp_path_factory.mktemp("remote") / "human_simulated.h5", N, N_GENES)


@pytest.fixture
def server(remote_file: Path) -> Iterator[RangeServer]:
    with RangeServer(remote_file.parent) as running:
        yield running


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data")


def ask(server: RangeServer, **choice: object) -> FetchRequest:
    return FetchRequest(server.url("human_simulated.h5"), RemoteChoice(**choice), patience=QUICK)  # type: ignore[arg-type]


def rows_of(choice: RemoteChoice, remote_file: Path) -> list[int]:
    with Archs4File(remote_file) as file:
        return workflows.choose_remote(file.biosamples, choice).rows.tolist()


def plainly(test) -> list[int]:
    """Rows that a test of tissue and number lets pass, single cells left out."""
    return [i for i in range(N) if i % 40 != 39 and test(tissue_of(i), i)]


def test_every_way_of_choosing_means_what_a_plain_loop_finds(remote_file: Path) -> None:
    assert rows_of(RemoteChoice("BRAIN gse4"), remote_file) == plainly(
        lambda t, i: "brain" in t and f"{i // 25}"[0] == "4"
    )
    assert rows_of(RemoteChoice(regex=r"age: 1\d$"), remote_file) == plainly(lambda t, i: 10 <= i % 70 < 20)
    assert rows_of(RemoteChoice(samples=("GSM1003", "GSM1000", "GSM9")), remote_file) == [0, 3]
    assert rows_of(RemoteChoice(label="Liver"), remote_file) == plainly(lambda t, i: t == "liver")
    assert rows_of(RemoteChoice("replicate 3", label="kidney"), remote_file) == plainly(
        lambda t, i: t == "kidney" and (i % 5 == 3 or "3" in f"donor {i // 5} GSE{i // 25} GSM{1000 + i} age: {i % 70}")
    )
    assert len(rows_of(RemoteChoice(max_singlecell=2.0), remote_file)) == N
    drawn = rows_of(RemoteChoice("lung", limit=20, seed=4), remote_file)
    assert len(drawn) == 20 and drawn == sorted(set(drawn)) == rows_of(
        RemoteChoice("lung", limit=20, seed=4), remote_file
    )
    assert drawn != rows_of(RemoteChoice("lung", limit=20, seed=5), remote_file)
    assert set(drawn) <= set(plainly(lambda t, i: t == "lung"))


@pytest.mark.parametrize(
    ("choice", "error", "words"),
    [
        (RemoteChoice(regex="age: ("), RecipeError, "pattern .* cannot be read"),
        (RemoteChoice(limit=0), RecipeError, "at least one"),
        (RemoteChoice(samples=("GSM1", "GSM2")), NotFoundError, "None of the 2 ids"),
        (RemoteChoice(label="unicorn"), LabelsError, "no biosample here the label 'unicorn'"),
    ],
)
def test_a_choice_that_cannot_be_is_one_message(
    remote_file: Path, choice: RemoteChoice, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        rows_of(choice, remote_file)


def test_a_slice_holds_the_counts_and_metadata_of_the_file_and_says_where_it_is_from(
    server: RangeServer, empty: Workspace, remote_file: Path
) -> None:
    request = ask(server, search="liver", limit=70, seed=2)
    outcome = workflows.fetch(empty, request)
    rows = rows_of(request.choice, remote_file)
    assert outcome.n == 70 and not outcome.cached and outcome.resumed == 0
    assert outcome.path.parent == empty.root / "downloads"
    with h5py.File(remote_file) as file, h5py.File(outcome.path) as slice_:
        np.testing.assert_array_equal(slice_["data/expression"][:], file["data/expression"][:, rows])
        assert slice_["data/expression"].chunks == (N_GENES, 1)
        for key in ("geo_accession", "series_id", "title", "source_name_ch1", "characteristics_ch1"):
            assert slice_[f"meta/samples/{key}"][:].tolist() == file[f"meta/samples/{key}"][:][rows].tolist()
        assert slice_["meta/samples/source_row"][:].tolist() == rows
        info = {key: value[()].decode() for key, value in slice_["meta/info"].items()}
    assert info["source_address"] == request.source and info["source_etag"] == '"first"'
    assert info["version"] == "2.5" and info["organism"] == "human" and info["simulated"] == "yes"
    assert info["source_bytes"] == str(remote_file.stat().st_size) and "words: liver; 70 at random" in info["choice"]
    assert not list((empty.root / "downloads/.parts").glob("*/*"))


def test_the_list_is_read_once_and_the_same_slice_costs_nothing(server: RangeServer, empty: Workspace) -> None:
    request = ask(server, search="lung", limit=10)
    first = workflows.fetch(empty, request)
    server.forget()
    again = workflows.fetch(empty, request)
    assert again.cached and again.path == first.path and server.seen.bytes <= 1
    kept = workflows.known_listing(empty, request.source)
    assert kept is not None and len(kept.biosamples) == N and workflows.listing_key(empty, request.source)
    server.forget()
    workflows.fetch(empty, ask(server, search="lung", limit=11))
    assert server.seen.bytes < 500_000  # no list of biosamples among it


def test_a_replaced_file_gets_a_new_list_and_never_old_parts(server: RangeServer, empty: Workspace) -> None:
    request = ask(server, search="lung", limit=10)
    first = workflows.fetch(empty, request)
    server.manners.etag = '"second"'
    second = workflows.fetch(empty, request)
    assert not second.cached and second.path != first.path


def test_the_file_being_replaced_while_a_slice_is_fetched_stops_it(server: RangeServer, empty: Workspace) -> None:
    request = ask(server, limit=300)

    def swap(stage: str, done: float, total: float) -> None:
        if stage.startswith("fetching counts, 64"):
            server.manners.etag = '"second"'

    with pytest.raises(RemoteError, match="it was replaced"):
        workflows.fetch(empty, request, swap)
    assert not list((empty.root / "downloads").glob("*.h5"))


def test_a_slice_that_stopped_goes_on_and_damaged_parts_are_fetched_again(
    server: RangeServer, empty: Workspace, remote_file: Path
) -> None:
    request = ask(server, limit=300)
    workflows.read_listing(empty, request.source, patience=QUICK)

    def stop(stage: str, done: float, total: float) -> None:
        if stage.startswith("fetching counts, 192"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workflows.fetch(empty, request, stop)
    parts = sorted((empty.root / "downloads/.parts").glob("*/*.part"))
    assert len(parts) == 3 and not list((empty.root / "downloads").glob("*.h5"))
    raw = bytearray(parts[1].read_bytes())
    raw[len(raw) // 2] ^= 1
    parts[1].write_bytes(raw)
    outcome = workflows.fetch(empty, request)
    assert outcome.resumed == 128 and outcome.n == 300
    with h5py.File(remote_file) as file, h5py.File(outcome.path) as slice_:
        rows = slice_["meta/samples/source_row"][:]
        np.testing.assert_array_equal(slice_["data/expression"][:], file["data/expression"][:, rows])


def test_a_killed_process_leaves_parts_that_the_next_one_uses(
    server: RangeServer, tmp_path: Path, remote_file: Path
) -> None:
    server.manners.delay = 0.02
    command = [sys.executable, "-m", "core", "--data-dir", str(tmp_path / "data"), "fetch"]
    command += [server.url("human_simulated.h5"), "--limit", "400", "--format", "json"]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not list(tmp_path.glob("data/downloads/.parts/*/*.part")) and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(tmp_path.glob("data/downloads/.parts/*/*.part"))
    server.manners.delay = 0.0
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    outcome = json.loads(done.stdout)
    assert outcome["resumed"] >= 64 and not outcome["cached"]
    with h5py.File(remote_file) as file, h5py.File(outcome["path"]) as slice_:
        rows = slice_["meta/samples/source_row"][:]
        np.testing.assert_array_equal(slice_["data/expression"][:], file["data/expression"][:, rows])


def test_a_busy_server_that_cuts_bodies_now_and_then_delays_and_changes_nothing(
    server: RangeServer, empty: Workspace, remote_file: Path
) -> None:
    server.manners.busy = lambda number: number % 7 == 3
    server.manners.cut = lambda number: number % 11 == 5
    outcome = workflows.fetch(empty, ask(server, search="kidney"))
    with h5py.File(remote_file) as file, h5py.File(outcome.path) as slice_:
        rows = slice_["meta/samples/source_row"][:]
        np.testing.assert_array_equal(slice_["data/expression"][:], file["data/expression"][:, rows])


def test_an_estimate_is_exact_for_few_and_close_for_many(server: RangeServer, empty: Workspace) -> None:
    few = workflows.estimate(empty, ask(server, search="liver", limit=10))
    fetched = workflows.fetch(empty, ask(server, search="liver", limit=10))
    assert few.exact and few.n == few.chunks == 10 and few.bytes <= fetched.bytes <= 1.3 * few.bytes
    many = workflows.estimate(empty, ask(server))
    fetched = workflows.fetch(empty, ask(server))
    assert not many.exact and many.chunks == many.n == fetched.n
    assert 0.8 * many.bytes <= fetched.bytes <= 1.3 * 1.2 * many.bytes
    assert many.seconds > 0 and many.bytes_per_second > 0 and "about" in many.words


def test_a_slice_is_built_like_any_file(server: RangeServer, empty: Workspace) -> None:
    outcome = workflows.fetch(empty, ask(server, limit=120))
    request = workflows.BuildRequest(
        outcome.path, "slice", length_measure="none", label_rules=PROJECT / "data/label_vocabulary.tsv"
    )
    workflows.build(empty, request)
    dataset = empty.dataset("slice")
    assert dataset.blocks[-1] == 120 and dataset.simulated and "liver" in dataset.label_names


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_slice_of_transcripts_is_one_of_its_file_and_builds_to_the_same_genes(
    tmp_path: Path, empty: Workspace, generation: str
) -> None:
    made = make(tmp_path / "human_transcript.h5", generation, n=30)
    gtf = write_gtf(tmp_path / "genes.gtf", made.table)
    with RangeServer(tmp_path) as server:
        request = FetchRequest(server.url(made.path.name), RemoteChoice(limit=9, seed=2), patience=QUICK)
        outcome = workflows.fetch(empty, request)
        listing = workflows.known_listing(empty, request.source)
        assert listing is not None and listing.level == "transcript" and len(listing.genes) == len(made.table)
        with Archs4File(outcome.path) as file:
            rows = [int(name.removeprefix("GSM")) - 1 for name in file.biosamples["sample_id"]]
            assert file.level == "transcript" and len(rows) == 9
            assert file.genes["transcript_id"].tolist() == made.table["transcript_id"].tolist()
            np.testing.assert_array_equal(file.read(slice(None)), made.counts[rows])
    for name, path in (("slice", outcome.path), ("whole", made.path)):
        workflows.build(empty, workflows.BuildRequest(path, name, lengths=gtf))
    found, whole = (empty.dataset(name) for name in ("slice", "whole"))
    assert found.genes["ensembl_gene_id"].tolist() == whole.genes["ensembl_gene_id"].tolist()
    np.testing.assert_array_equal(found.counts(slice(None)), whole.counts(np.array(rows)))


def test_servers_without_ranges_are_refused(server: RangeServer, empty: Workspace) -> None:
    server.manners.ranges = False
    with pytest.raises(RemoteError, match="Download it with"):
        workflows.fetch(empty, ask(server))


def test_jobs_do_what_the_workflows_do(server: RangeServer, empty: Workspace) -> None:
    source = server.url("human_simulated.h5")
    parameters = workflows.request_parameters(source, RemoteChoice("lung", limit=5))
    asked = {
        "metadata": {"source": source},
        "estimate": parameters,
        "fetch": parameters,
        "download": {"source": source},
    }
    done = {}
    for kind, given in asked.items():
        run = empty.runs.create(kind, "human_simulated", given)
        workflows.perform(empty, run, silent)
        assert run.status == "done"
        done[kind] = run.result["metrics"]
    assert done["metadata"]["n_biosamples"] == N and done["estimate"]["n"] == 5 and done["fetch"]["n"] == 5
    assert Path(done["fetch"]["path"]).is_file() and Path(done["download"]["path"]).is_file()


def test_parts_are_whole_or_not_there(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "parts")
    counts = np.arange(12, dtype=np.uint32).reshape(3, 4)
    assert parts.load(0, (3, 4)) is None
    parts.save(0, counts)
    np.testing.assert_array_equal(parts.load(0, (3, 4)), counts)
    assert parts.load(0, (4, 4)) is None
    (tmp_path / "parts/00000.part").write_bytes((tmp_path / "parts/00000.part").read_bytes()[:-3])
    assert parts.load(0, (3, 4)) is None


def test_the_commands_print_results_and_refuse_in_one_line(
    server: RangeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, source = ["--data-dir", str(tmp_path / "data")], server.url("human_simulated.h5")
    assert main([*data, "releases"]) == 0
    listed = pd.read_csv(Path(_write(tmp_path, capsys.readouterr().out)))
    assert listed.loc[listed["id"] == "human_gene_v2.5", "biosamples"].item() == 888_821
    assert main([*data, "fetch", source, "--search", "lung", "--limit", "9", "--estimate"]) == 0
    assert re.match(r"9 biosamples: [\d.]+ MB of counts in 9 chunks", capsys.readouterr().out)
    ids = tmp_path / "ids.txt"
    ids.write_text("sample_id\n# mine\nGSM1005\tx\nGSM1001\nGSM77\n")
    out = tmp_path / "mine.h5"
    assert main([*data, "fetch", source, "--samples", str(ids), "--out", str(out)]) == 0
    assert "1 of 3 ids are not in the file" in capsys.readouterr().err
    with Archs4File(out) as file:
        assert file.biosamples["sample_id"].tolist() == ["GSM1001", "GSM1005"]
    assert main([*data, "download", source]) == 0
    assert "is complete" in capsys.readouterr().out
    wrong = [
        ["fetch", "file:///x.h5"], ["fetch", source, "--search", "unicorn"], ["fetch", "nothing"],
        ["download", "nothing"],
        ["fetch", source, "--samples", "none.txt"], ["fetch", source, "--label-rules", "unicorn"],
    ]  # fmt: skip
    for arguments in wrong:
        assert main([*data, *arguments]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    server.manners.status = 404
    assert main([*data, "fetch", source, "--search", "other"]) == 1


def _write(folder: Path, text: str) -> str:
    path = folder / "printed.csv"
    path.write_text(text)
    return str(path)
