#!/usr/bin/env python3
"""Trains every generator of a label with several seeds and writes their scorecards into docs/synthetic.md.

python scripts/generator_table.py DATASET --label brain --seeds 5   (data folder: ARCHSCOPE_DATA)
python scripts/generator_table.py DATASET --label liver thyroid --models wgan-gp flow-matching --seeds 3

One label: every measure. Several: a line for each label and model. Runs that are there already with the same label,
model and seed are not trained again.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core import workflows
from core.errors import ArchscopeError
from core.settings import PROJECT, data_dir
from core.store.workspace import Workspace
from core.types import silent

ONE, SEVERAL = "generators", "generators-of-labels"  # names of the places in the page
SHORT = ("adversarial_accuracy", "coverage", "correlation_score", "discriminative_f1", "membership_auc")


def main() -> int:
    """The exit status: 0 written, 2 the dataset or the page cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--label", nargs="+", default=["brain"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=workflows.GENERATOR_MODELS, default=workflows.GENERATOR_MODELS)
    parser.add_argument("--page", type=Path, default=PROJECT / "docs" / "synthetic.md")
    options = parser.parse_args()
    try:
        workspace = Workspace(data_dir())
        for label in options.label:
            for model in options.models:
                for seed in range(1, options.seeds + 1):
                    train(workspace, options.dataset, label, model, seed)
        choices = [workflows.compare_generators(workspace, options.dataset, label) for label in options.label]
        if len(choices) == 1:
            write(options.page, ONE, text_of(choices[0], options.dataset))
        else:
            write(options.page, SEVERAL, short_text_of(choices))
    except (ArchscopeError, LookupError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def train(workspace: Workspace, name: str, label: str, model: str, seed: int) -> None:
    """A run of this model and seed, unless there is a finished one."""
    for run in workspace.runs.all(name):
        asked = {"model": "wgan-gp", "seed": 1, **run.recipe["parameters"]}
        same = (asked.get("label"), asked["model"], asked["seed"]) == (label, model, seed)
        same &= not asked.get("least_distance")
        if same and run.kind == "generator" and run.status == "done":
            return
    print(f"training {model} of {label}, seed {seed}", file=sys.stderr, flush=True)
    parameters = {"label": label, "model": model, "seed": seed}
    run = workspace.runs.create("generator", name, parameters, workspace.dataset(name).fingerprint)
    workflows.perform(workspace, run, silent)


def text_of(choice: workflows.GeneratorChoice, name: str) -> str:
    """The comparison as Markdown: models, then measures."""
    names = choice.models["model"].tolist()
    lines = [f"**{choice.label}** of `{name}`. {choice.words}", ""]
    lines += ["| model | runs | targets reached | at least as good as the PCA-Gaussian |", "| --- | --- | --- | --- |"]
    for row in choice.models.to_dict("records"):
        against = f"{row['at_least_pca_gaussian']} of {row['compared']}" if row["compared"] else "is it"
        lines.append(f"| {row['model']} | {row['runs']} | {row['reached']} of {row['measures']} | {against} |")
    lines += ["", f"| measure | real-real | {' | '.join(names)} | target |", "| --- |" + " --- |" * (len(names) + 2)]
    marks = {"pass": "✓", "fail": "✗"}
    for row in choice.measures.to_dict("records"):
        cells = [f"{row[each]:.3f} {marks[row[f'{each}_verdict']]}" for each in names]
        lines.append(f"| {row['title']} | {row['real_real']:.3f} | {' | '.join(cells)} | {row['rule']} |")
    return "\n".join(lines)


def short_text_of(choices: list[workflows.GeneratorChoice]) -> str:
    """Labels and models as rows of Markdown: targets reached, and a few measures beside their real-real value."""
    titles = choices[0].measures.set_index("metric").loc[list(SHORT), "title"]
    lines = [
        f"| label | model | runs | targets reached | {' | '.join(titles)} |",
        "| --- |" + " --- |" * (3 + len(SHORT)),
    ]
    for choice in choices:
        measures = choice.measures.set_index("metric")
        real = " | ".join(f"{measures.loc[name, 'real_real']:.3f}" for name in SHORT)
        lines.append(f"| {choice.label} | real-real | | | {real} |")
        for row in choice.models.to_dict("records"):
            values = " | ".join(f"{measures.loc[name, row['model']]:.3f}" for name in SHORT)
            reached = f"{row['reached']} of {row['measures']}"
            lines.append(f"| {choice.label} | {row['model']} | {row['runs']} | {reached} | {values} |")
    return "\n".join(lines)


def write(page: Path, place: str, text: str) -> None:
    """Puts the text between the page's markers of that place. Raises LookupError where it has none."""
    first, last = f"<!-- {place}:begin -->", f"<!-- {place}:end -->"
    before, begin, rest = page.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise LookupError(f"{page} has no lines {first} and {last}: write them where the table shall stand")
    page.write_text(f"{before}{first}\n{text}\n{last}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
