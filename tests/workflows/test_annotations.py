"""A GENCODE release by name: fetched once from a server on this machine, checked, and built from like a file."""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.__main__ import main
from core.errors import NotFoundError, RemoteError
from core.sources import gencode_releases
from core.sources.gencode_releases import named_release, read_releases
from core.sources.remote_http import Patience
from core.store.workspace import Workspace
from core.types import silent
from core.workflows import BuildRequest, build, perform
from core.workflows.annotations import annotation_file
from tests.sources.range_server import RangeServer
from tests.sources.transcript_files import Made, make, write_gtf

QUICK = Patience(timeout=2.0, tries=2, pause=0.001)
ENTRY = """[[release]]
release = "41"
organism = "human"
assembly = "GRCh38"
ensembl = 107
date = "2022-07"
address = "{address}"
"""


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A file of transcripts that does not say of which genes."""
    return make(tmp_path / "t.h5", "v2.2")


@pytest.fixture
def server(tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    """Serves the GTF of these transcripts, packed, as release 41 of a catalogue of its own."""
    folder = tmp_path / "served"
    folder.mkdir()
    text = write_gtf(tmp_path / "41.gtf", made.table).read_bytes()
    (folder / "gencode.v41.annotation.gtf.gz").write_bytes(gzip.compress(text, mtime=0))
    with RangeServer(folder) as running:
        catalogue(tmp_path, monkeypatch, ENTRY.format(address=running.url("gencode.v41.annotation.gtf.gz")))
        yield running


def catalogue(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (folder / "releases.toml").write_text(text)
    monkeypatch.setattr(gencode_releases, "RELEASES_FILE", folder / "releases.toml")


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("gencode:v41", "41"),
        ("gencode:41", "41"),
        ("GENCODE:vm30", "M30"),
        ("gencode:M30", "M30"),
        ("gencode:v47", "47"),
    ],
)
def test_a_release_is_named_with_or_without_v(text: str, release: str) -> None:
    found = named_release(text)
    assert found is not None and found.release == release and found.name == f"gencode:v{release}"
    addresses = read_releases().set_index("release")["address"]
    assert found.address == addresses[release]


def test_a_path_is_no_release_and_an_unknown_release_is_told() -> None:
    assert named_release("/data/gencode.v41.annotation.gtf.gz") is None
    with pytest.raises(NotFoundError, match=r"no GENCODE release 'gencode:v999' \(gencode:v47"):
        named_release("gencode:v999")


def test_it_is_fetched_once_and_then_never_asked_for(server: RangeServer, tmp_path: Path, made: Made) -> None:
    workspace, request = Workspace(tmp_path / "data"), BuildRequest(made.path, "named", lengths=Path("gencode:v41"))
    stages: list[str] = []
    build(workspace, request, lambda stage, done, total, **more: stages.append(stage))
    kept = tmp_path / "data/downloads/gencode.v41.annotation.gtf.gz"
    assert kept.read_bytes() == (server.folder / kept.name).read_bytes()
    assert stages[0].startswith("GENCODE 41: downloading, ")
    server.forget()
    again = build(workspace, request)
    build(workspace, BuildRequest(made.path, "file", lengths=kept))
    assert again.cached and server.seen.requests == 0
    named, file = (workspace.dataset(name) for name in ("named", "file"))
    assert named.fingerprint == file.fingerprint and named.rankings.equals(file.rankings)
    assert named.manifest["sources"]["lengths"] == str(kept.resolve())
    lengths = named.genes.set_index("ensembl_gene_id")["length_bp"]
    of_transcripts = made.table[made.table["gene"] != ""].reset_index(drop=True)
    spliced = (of_transcripts.index.to_series() + 150).groupby(of_transcripts["gene"].str[:15]).max()
    assert lengths.to_dict() == spliced.to_dict()


def test_a_job_fetches_it_too(server: RangeServer, tmp_path: Path, made: Made) -> None:
    workspace = Workspace(tmp_path / "data")
    run = workspace.runs.create("build", "job", {"counts": str(made.path), "lengths": "gencode:v41"})
    perform(workspace, run, silent)
    assert run.status == "done" and workspace.dataset("job").manifest["n_genes"] == 12


def test_a_download_that_was_cut_goes_on(server: RangeServer, tmp_path: Path) -> None:
    server.manners.cut = lambda number: number == 1
    path = annotation_file(Workspace(tmp_path / "data"), Path("gencode:v41"), patience=QUICK)
    assert path is not None and path.read_bytes() == (server.folder / path.name).read_bytes()


def test_a_published_checksum_is_held(server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = server.url("gencode.v41.annotation.gtf.gz")
    right = hashlib.md5((server.folder / "gencode.v41.annotation.gtf.gz").read_bytes()).hexdigest()
    catalogue(tmp_path, monkeypatch, ENTRY.format(address=address) + f'md5 = "{"0" * 32}"\n')
    with pytest.raises(RemoteError, match=f"MD5 {right}, not 0000"):
        annotation_file(Workspace(tmp_path / "data"), Path("gencode:v41"), patience=QUICK)
    catalogue(tmp_path, monkeypatch, ENTRY.format(address=address) + f'md5 = "{right}"\n')
    assert annotation_file(Workspace(tmp_path / "data"), Path("gencode:v41"), patience=QUICK)


def test_without_a_network_it_says_what_to_do(
    server: RangeServer, tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = "http://127.0.0.1:9/gencode.v41.annotation.gtf.gz"
    catalogue(tmp_path, monkeypatch, ENTRY.format(address=nobody))
    words = f"cannot be reached.*download {nobody} on another machine and give the path of that file as gene lengths"
    with pytest.raises(RemoteError, match=words) as caught:
        annotation_file(Workspace(tmp_path / "data"), Path("gencode:v41"), patience=QUICK)
    assert "\n" not in str(caught.value)


def test_the_command_takes_a_release(
    server: RangeServer, tmp_path: Path, made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--data-dir", str(tmp_path / "data"), "build", str(made.path), "--name", "x", "--lengths"]
    assert main([*command, "gencode:v41"]) == 0
    assert "Dataset 'x' built" in capsys.readouterr().out
    assert main([*command, "gencode:v99"]) == 2
    assert "has no GENCODE release 'gencode:v99'" in capsys.readouterr().err
