"""``python -m benchmarks.fit_classifier FOLDER NAME``: fits the default classifier, in a process of its own.

Stages go to standard error as the command line writes them, so that whoever started it can time them.
"""

import sys
from pathlib import Path

from core.models.classifier import TissueClassifier
from core.store.workspace import Workspace
from core.workflows.folds import labelled_rows


def main(folder: str, name: str) -> None:
    """Fits, and keeps nothing."""
    dataset = Workspace(Path(folder)).dataset(name)
    rows = labelled_rows(dataset)
    said = [""]

    def progress(stage: str, done: float, total: float, **values: float | str) -> None:
        if stage != said[0]:
            said[0] = stage
            print(f"  0%  {stage}", file=sys.stderr, flush=True)

    TissueClassifier().fit(
        lambda some: dataset.counts(rows[some]), dataset.label_matrix[rows], dataset.label_names,
        progress=progress, series=dataset.biosamples["series_id"].iloc[rows].tolist(),
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
