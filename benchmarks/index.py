"""The list of biosamples of a full-size ARCHS4 file: how long reading it takes, here and from a server.

The file has the shape, chunks and texts of a real one, but hardly any counts: only what is read before the first count.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from benchmarks.child import Measured, run_module
from benchmarks.report import Section, Table
from benchmarks.setting import Setting
from benchmarks.timing import say, shown_seconds
from tests.sources.range_server import RangeServer

Maker = Callable[[int], str]
N, QUICK_N, N_GENES = 900_000, 2_000, 67_186
DELAY = 0.02  # seconds that the second server waits before each answer: a round trip across a country
STEP = 20_000
TISSUES = ("brain cortex", "liver", "whole blood", "skeletal muscle", "kidney", "lung", "K562 cell line", "HeLa")
LONG = (
    "Total RNA was extracted using TRIzol (Invitrogen) according to the protocol of its maker, treated with DNase I, "
    "checked on a Bioanalyzer (RIN over 8). Libraries were prepared from 500 ng with the TruSeq Stranded mRNA kit. "
)


def run(setting: Setting) -> Section:
    """Time, memory, requests and bytes."""
    n = QUICK_N if setting.quick else N
    path = setting.folder / f"index-{N_GENES}x{n}.h5"
    if not path.exists():
        setting.folder.mkdir(parents=True, exist_ok=True)
        say(f"  writing the metadata of {n:,} biosamples")
        write(path, n)
    rows = [
        _row("plain h5py, the same fields", *_measure("h5py", str(path))),
        _row("here", *_measure("local", str(path))),
    ]
    with RangeServer(path.parent) as server:
        rows.append(_row("from a server on this machine", *_measure("remote", server.url(path.name))))
        server.manners.delay = DELAY
        rows.append(_row(f"with {DELAY * 1000:.0f} ms a request", *_measure("remote", server.url(path.name))))
    size = f"{path.stat().st_size / 1e9:.2f} GB without counts"
    title = f"Opening {N_GENES:,} genes x {n:,} biosamples ({size})"
    note = (
        "Each in a process of its own, whose peak of memory has its imports in it; the times do not. From a server the "
        "list is also written to the cache, from where it is read the next time."
    )
    return Section(tables=[Table(title, ("Where", "Time", "CPU", "Memory", "Requests", "Fetched"), rows)], notes=[note])


def _measure(how: str, where: str) -> tuple[Measured, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said.json"
        measured = run_module("benchmarks.open_index", [how, where, str(said), str(Path(folder) / "data")])
        return measured, json.loads(said.read_text())


def _row(where: str, measured: Measured, said: dict[str, float]) -> tuple[str, ...]:
    requests = f"{said['requests']:,.0f}" if "requests" in said else ""
    fetched = f"{said['bytes'] / 1e6:,.0f} MB" if "bytes" in said else ""
    return (
        where,
        shown_seconds(said["seconds"]),
        shown_seconds(said["cpu"]),
        f"{measured.peak / 1e9:.2f} GB",
        requests,
        fetched,
    )


def write(path: Path, n: int) -> None:
    """About 1 KB of text a biosample, variable-length UTF-8; of the counts the shape, the chunks and one column."""
    text = h5py.string_dtype()
    aside = path.with_suffix(".new")
    with h5py.File(aside, "w") as file:
        counts = file.create_dataset(
            "data/expression", (N_GENES, n), np.uint32, chunks=(2000, 1), compression="gzip", compression_opts=4
        )
        counts[:, 0] = 1
        for key, make in _genes().items():
            file.create_dataset(key, data=[make(i) for i in range(N_GENES)], dtype=text, compression="gzip")
        for key, make in _samples().items():
            column = file.create_dataset(key, (n,), text, chunks=(min(n, 1000),), compression="gzip")
            for start in range(0, n, STEP):
                column[start : start + STEP] = [make(i) for i in range(start, min(n, start + STEP))]
        file["meta/samples/singlecellprobability"] = np.random.default_rng(1).random(n)
        file["meta/samples/alignedreads"] = np.full(n, 2e7)
        file["meta/info/version"], file["meta/info/organism"], file["meta/info/simulated"] = "2.6", "human", "yes"
    aside.replace(path)


def _genes() -> dict[str, Maker]:
    return {
        "meta/genes/symbol": lambda i: f"GENE{i}",
        "meta/genes/ensembl_gene": lambda i: f"ENSG{i:011d}",
        "meta/genes/biotype": lambda i: "protein_coding" if i % 3 else "lncRNA",
    }


def _samples() -> dict[str, Maker]:
    """Fields of v2.6, those that nobody reads among them."""
    return {
        "meta/samples/geo_accession": lambda i: f"GSM{1_000_000 + 7 * i}",
        "meta/samples/series_id": lambda i: (
            f"GSE{10_000 + i // 20}" + (f",GSE{20_000 + i // 50}" if i % 3 == 0 else "")
        ),
        "meta/samples/title": lambda i: f"{TISSUES[i // 20 % 8]}, donor {i % 977}, replicate {i % 5} [RNA-seq, {i}]",
        "meta/samples/source_name_ch1": lambda i: TISSUES[i // 20 % 8],
        "meta/samples/characteristics_ch1": lambda i: (
            f"tissue: {TISSUES[i // 20 % 8]},age: {i % 90},Sex: {'fm'[i % 2]},genotype: wild type,treatment: "
            f"{'vehicle' if i % 2 else 'dexamethasone'} for {i % 72} h,batch: {i % 13}"
        ),
        "meta/samples/extract_protocol_ch1": lambda i: LONG * 2 + f"Series {i // 20}.",
        "meta/samples/data_processing": lambda i: (
            f"Reads were aligned with STAR to GRCh38 (run {i // 20}). " + LONG[:120]
        ),
        "meta/samples/organism_ch1": lambda i: "Homo sapiens",
        "meta/samples/platform_id": lambda i: f"GPL{16_791 + i % 3}",
        "meta/samples/instrument_model": lambda i: "Illumina NovaSeq 6000",
        "meta/samples/submission_date": lambda i: f"Mar {i % 28 + 1:02d} 2021",
    }
