#!/usr/bin/env python3
"""Writes the results of finished augmentation studies into docs/augmentation.md, between its markers.

python scripts/augmentation_table.py RUN...   a run's folder, or its id in the data folder (ARCHSCOPE_DATA)
"""

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.models.augmentation import ARM_WORDS
from core.settings import PROJECT, data_dir
from core.store.runs import Run

BEGIN, END = "<!-- augmentation:begin -->", "<!-- augmentation:end -->"
HEAD = (
    "| label | n | arm | seeds | average precision | recall at 95 % precision | over class weights |\n"
    "| --- | --- | --- | --- | --- | --- | --- |\n"
)


def main() -> int:
    """The exit status: 0 written, 2 a run or the page cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--page", type=Path, default=PROJECT / "docs" / "augmentation.md")
    options = parser.parse_args()
    try:
        parts = [study_text(find(name)) for name in options.runs]
        write(options.page, "\n".join(parts))
    except (LookupError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def find(name: str) -> Run:
    """The finished study of a folder or an id. Raises LookupError."""
    path = next(
        (place for place in (Path(name), data_dir() / "runs" / name) if (place / "recipe.json").is_file()), None
    )
    if path is None:
        raise LookupError(f"there is no run {name!r}: give its folder, or its id in {data_dir() / 'runs'}")
    run = Run(path)
    if run.kind != "augmentation" or run.status != "done":
        raise LookupError(f"run {name!r} is no finished study (it is a {run.status} {run.kind})")
    return run


def study_text(run: Run) -> str:
    """One study: what was asked for, its table, its verdicts and notes."""
    asked, found = run.recipe["parameters"], (run.result or {})["metrics"]
    title = (
        f"**{asked['label']}** of `{run.dataset}`: {asked['seeds']} seeds from {asked['seed']}, {asked['family']} of "
    )
    title += f"{asked['trees']} trees, {asked['steps']:,} GAN steps. Test part: {found['protocol']}.\n"
    rows = "".join(table_row(asked["label"], row) for row in found["summary"])
    said = "".join(f"- {text}\n" for text in [*found["verdicts"], *found["notes"]])
    return f"{title}\n{HEAD}{rows}\n{said}"


def table_row(label: str, row: dict[str, Any]) -> str:
    """A row in Markdown; what an arm has no figure for is its state."""
    size = f"{row['size']} ({row['n']:.0f})" if row["size"] == "all" else row["size"]
    figures = [interval(row, name) for name in ("average_precision", "recall_at_95", "difference")]
    if row["status"] != "ok":
        figures = [row["status"], "", ""]
    return f"| {label} | {size} | {ARM_WORDS[row['arm']]} | {row['seeds']} | {' | '.join(figures)} |\n"


def interval(row: dict[str, Any], name: str) -> str:
    """A mean with its interval; "" where there is none."""
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    sign = "+" if name == "difference" else ""
    if value is None:
        return ""
    return f"{value:{sign}.3f}" + ("" if low is None else f" ({low:{sign}.3f} to {high:{sign}.3f})")


def write(page: Path, text: str) -> None:
    """Puts the text between the page's markers. Raises LookupError where they are missing."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise LookupError(f"{page} has no markers {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
