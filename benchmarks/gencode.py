"""Gene lengths from a GTF of GENCODE's size and shape: time and memory of reading it, and of finding it read."""

import gzip
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.child import run_module
from benchmarks.report import Row, Section
from benchmarks.setting import Setting
from benchmarks.timing import say, shown_seconds

N_GENES, N_TRANSCRIPTS, N_EXONS = 60_000, 250_000, 1_600_000  # as in GENCODE's comprehensive human annotation
MOST_SECONDS, MOST_BYTES = 30.0, 1e9
_TYPES = ("protein_coding", "lncRNA", "processed_pseudogene", "misc_RNA", "snRNA", "miRNA")


def run(setting: Setting) -> Section:
    """Reads the plain file and the packed one, each in a process of its own, with and without the cache."""
    shrink = 100 if setting.quick else 1
    plain = write_gtf(setting.folder / f"gencode-{shrink}.gtf", N_GENES // shrink, N_TRANSCRIPTS // shrink)
    packed = _pack(plain)
    size = f"{N_GENES // shrink:,} genes, {N_TRANSCRIPTS // shrink:,} transcripts"
    rows = []
    for path in (plain, packed):
        for kept in (False, True):
            rows.append(_row(path, setting.folder / "gencode-cache", kept, size, judged=not setting.quick))
    note = (
        f"A simulated annotation with the lines of GENCODE's (gene, transcript, exon, CDS, UTR): {_megabytes(plain)} "
        f"plain, {_megabytes(packed)} packed. Each row is a process of its own, with its imports; the times are of "
        "reading alone."
    )
    return Section(rows, notes=[note])


def _row(path: Path, cache: Path, kept: bool, size: str, judged: bool) -> Row:
    if not kept:
        shutil.rmtree(cache, ignore_errors=True)
    report = cache.with_suffix(".json")
    measured = run_module("benchmarks.gencode", [str(path), str(cache), str(report)])
    found = json.loads(report.read_text())
    seconds = float(found["seconds"])
    target = "under 30 s and 1 GB"
    met = seconds < MOST_SECONDS and measured.peak < MOST_BYTES
    what = f"Lengths of {'gzip' if path.suffix == '.gz' else 'plain'} GTF{', read before' if kept else ''}"
    result = f"{found['cpu']:.1f} s of CPU, {measured.peak / 1e6:.0f} MB"
    return Row(what, size, shown_seconds(seconds), "", result, target, met if judged else None)


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:,.0f} MB"


def _pack(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    if not packed.exists():
        say(f"  packing {path.name}")
        with path.open("rb") as source, gzip.open(packed, "wb", compresslevel=6) as out:
            shutil.copyfileobj(source, out, 1 << 20)
    return packed


def write_gtf(path: Path, n_genes: int, n_transcripts: int, seed: int = 1) -> Path:
    """A GTF in GENCODE's manner: about 6.4 exons a transcript, some genes of X with a PAR copy on Y. Kept if there."""
    if path.exists():
        return path
    say(f"  simulating {path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    per_gene = 1 + rng.multinomial(n_transcripts - n_genes, rng.dirichlet(np.full(n_genes, 0.3)))
    aside = path.with_suffix(".tmp")
    with aside.open("w", encoding="utf-8") as file:
        file.write("##description: simulated, in the shape of GENCODE\n##provider: ARCHScope\n##format: gtf\n")
        first = 0
        for gene, count in enumerate(per_gene.tolist()):
            file.writelines(_gene(gene, first, count, n_genes, rng))
            first += count
    aside.replace(path)
    return path


def _gene(gene: int, first: int, count: int, n_genes: int, rng: np.random.Generator) -> Iterator[str]:
    chromosome = gene * 24 // n_genes + 1
    name = {23: "chrX", 24: "chrY"}.get(chromosome, f"chr{chromosome}")
    on_both = name == "chrX" and gene % 20 == 0
    kind = _TYPES[int(rng.integers(len(_TYPES)))]
    models = [_exons(rng) for _ in range(count)]
    for place, mark in ((name, ""), *([("chrY", "_PAR_Y")] if on_both else [])):
        gene_id = f"ENSG{gene + 1:011d}.{gene % 17 + 1}{mark}"
        head = f'gene_id "{gene_id}"; '
        about = f'gene_type "{kind}"; gene_name "SIM{gene + 1}"; '
        yield f"{place}\tHAVANA\tgene\t1\t{models[0][-1][1]}\t.\t+\t.\t{head}{about}level 2;\n"
        for number, exons in enumerate(models, start=first):
            yield from _transcript(place, head, about, kind, gene, number, mark, exons)


def _exons(rng: np.random.Generator) -> list[tuple[int, int]]:
    count = int(rng.geometric(1 / 6.4))
    edges = (10_000 + np.cumsum(rng.integers(50, 3000, 2 * count))).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _transcript(
    place: str, head: str, about: str, kind: str, gene: int, number: int, mark: str, exons: list[tuple[int, int]]
) -> Iterator[str]:
    head = f'{head}transcript_id "ENST{number + 1:011d}.{number % 9 + 1}{mark}"; {about}transcript_type "{kind}"; '
    head += f'transcript_name "SIM{gene + 1}-{number + 201}"; '
    tail = 'level 2; transcript_support_level "1"; tag "basic"; tag "Ensembl_canonical"; '
    tail += f'havana_gene "OTTHUMG{gene:011d}.3"; havana_transcript "OTTHUMT{number:011d}.1";\n'
    yield f"{place}\tHAVANA\ttranscript\t{exons[0][0]}\t{exons[-1][1]}\t.\t+\t.\t{head}{tail}"
    for i, (start, end) in enumerate(exons, 1):
        line = f"{start}\t{end}\t.\t+\t.\t{head}exon_number {i}; "
        line += f'exon_id "ENSE{number * 7 + i:011d}.1"; {tail}'
        yield f"{place}\tHAVANA\texon\t{line}"
        if i % 2:
            yield f"{place}\tHAVANA\tCDS\t{line}"
        if i == 1:
            yield f"{place}\tHAVANA\tUTR\t{line}"


def _measure(path: Path, cache: Path, report: Path) -> None:
    from core.sources.gencode import read_annotation

    begun, used = time.perf_counter(), time.process_time()
    lengths, transcripts = read_annotation(path, cache)
    found = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}
    report.write_text(json.dumps(found | {"genes": len(lengths), "transcripts": len(transcripts)}))


if __name__ == "__main__":
    _measure(*(Path(argument) for argument in sys.argv[1:]))
