"""From an uploaded file to values that rank as counts do: what they measure, and what genes the file lacks."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from core import logs
from core.errors import RecipeError
from core.expression import units
from core.sources import sample_apart
from core.sources.gene_matching import match_genes
from core.sources.sample_files import read_samples
from core.store.datasets import StoredDataset
from core.store.workspace import Workspace
from core.types import DoubleArray, MatchedSamples, Measure, Progress, silent
from core.workflows.evidence import Evidence, Guesses

UNITS = ("auto", "counts", "tpm")
NO_LENGTHS = (
    "The dataset knows no spliced gene lengths, so values that were divided by length (TPM, RPKM) cannot be turned "
    "back: the genes were ranked by the values as they are. Build it with --lengths to change that."
)


def read_upload(
    workspace: Workspace, name: str, data: Path | bytes, filename: str, units: str = "auto", progress: Progress = silent
) -> MatchedSamples:
    """An uploaded file on the genes of a dataset, its notes say what was assumed.

    ``units``: what the values are: auto (told from the values), counts (also CPM and other scaled counts, and logs of
    them), tpm (TPM, RPKM and FPKM, and logs of them). Raises SampleFileError for a file that cannot be used,
    RecipeError for other units.
    """
    if units not in UNITS:
        raise RecipeError(f"units is {units!r}: give {', '.join(UNITS[:-1])} or {UNITS[-1]}.")
    dataset = workspace.dataset(name)
    with sample_apart.reader() as hdf5:
        samples = read_samples(data, filename, progress, hdf5)
    _log(data, filename, len(samples.values), name)
    matched = match_genes(samples, dataset.genes, dataset.transcripts, dataset.manifest.get("organism"))
    return complete(dataset, _with_measures(dataset, matched, units, progress))


def _log(data: Path | bytes, filename: str, samples: int, dataset: str) -> None:
    """Size, ending and number of samples: nothing of what is in the file, nor what it is called."""
    size = data.stat().st_size if isinstance(data, Path) else len(data)
    ending = "".join(Path(filename).suffixes[-2:]).lower()
    known = ending if re.fullmatch(r"[.a-z0-9]{1,16}", ending) else Path(filename).suffix.lower()[:8]
    logs.event("upload.read", bytes=size, format=known, samples=samples, dataset=dataset)


def _with_measures(dataset: StoredDataset, matched: MatchedSamples, asked: str, progress: Progress) -> MatchedSamples:
    whole = matched.counted or matched.values.dtype == np.uint32
    if asked != "tpm" and whole:
        measure = Measure(_counts_of_whom(matched) if matched.values.dtype != np.uint32 else "counts")
        return _measured(matched, (measure,) * len(matched), _whole_note(matched, measure), None)
    lengths = _lengths(dataset)
    guesses = Guesses.of(matched, asked, lengths is not None, progress)
    if asked == "auto" and not all(guesses.certain):
        guesses.weigh(Evidence(dataset, matched, lengths) if lengths is not None else None, progress)
    measures = tuple(guesses.measures)
    notes = guesses.notes()
    divided = any(measure.per_length for measure in measures)
    if lengths is None and (divided or not all(guesses.certain)):
        notes.append(NO_LENGTHS)
    elif divided:
        notes += _without_length(matched, lengths)
    return _measured(matched, measures, notes, lengths)


def _counts_of_whom(matched: MatchedSamples) -> str:
    """Counts that are not whole, by the program that shared out the reads between transcripts."""
    program = next((one for one in ("kallisto", "salmon", "RSEM") if one in matched.kind), None)
    return f"counts as {program} estimates them" if program else "estimated counts"


def _measured(
    matched: MatchedSamples, measures: tuple[Measure, ...], notes: list[str], lengths: DoubleArray | None
) -> MatchedSamples:
    return replace(matched, measures=measures, notes=[*matched.notes, *notes], lengths=lengths)


def _whole_note(matched: MatchedSamples, measure: Measure) -> list[str]:
    if matched.counted:
        return [f"The values were taken as {measure.words}."]
    note = "The values are whole numbers: they were taken as counts."
    sums = [units.adds_up_to_million(row) for row in matched.values[:20]]
    if all(sums):
        note += " But they add up to a million, as rounded TPM do: if they are, say that they are TPM."
    return [note]


def _lengths(dataset: StoredDataset) -> DoubleArray | None:
    """Spliced length of every gene (G, NaN where unknown); None where the dataset has no such lengths."""
    if dataset.recipe["length_measure"] != "spliced":
        return None
    return dataset.genes["length_bp"].to_numpy(dtype=np.float64)


def _without_length(matched: MatchedSamples, lengths: DoubleArray | None) -> list[str]:
    unknown = 0 if lengths is None else int((matched.matched & np.isnan(lengths)).sum())
    return [f"{unknown:,} of the genes found have no known length: they count as missing."] if unknown else []


def complete(dataset: StoredDataset, matched: MatchedSamples) -> MatchedSamples:
    """Says how genes that the file lacks are treated, and takes them as 0 where the file leaves zeros out."""
    lacking = int((~matched.matched).sum())
    if lacking == 0:
        return matched
    if _zeros_left_out(dataset, matched):
        note = (
            f"The file has no zero, and the {lacking:,} genes of the dataset that it leaves out are those that are "
            "usually low or not expressed: they were taken as 0."
        )
        return replace(matched, notes=[*matched.notes, note], rest_is_zero=True)
    note = (
        f"{lacking:,} of the dataset's {len(matched.matched):,} genes are not in the file. The samples are ranked "
        "among the genes that they have, on the target that training biosamples have at these; where the model asks "
        "for a gene that is not there, its median over the training biosamples stands in."
    )
    return replace(matched, notes=[*matched.notes, note])


def _zeros_left_out(dataset: StoredDataset, matched: MatchedSamples) -> bool:
    """Only for one sample of whole counts: a matrix names every gene that any of its samples expresses."""
    if len(matched) > 1 or matched.values.dtype != np.uint32 or not matched.values.all():
        return False
    return units.zeros_left_out(matched.matched[dataset.in_y], dataset.medians[0])
