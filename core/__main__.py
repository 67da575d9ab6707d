"""The command line: the same workflows as the pages, without a browser.

Results go to standard output, progress to standard error. Exit status: 0 done, 2 bad input, 1 anything else.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core import jobs, workflows
from core.errors import ArchscopeError, InputError
from core.models.augmentation.recipe import ARMS, parse_sizes
from core.models.recipe import FAMILIES, ClassifierRecipe
from core.settings import data_dir
from core.sources.label_sources import SHIPPED_PARENTS, SHIPPED_RULES
from core.store.files import clean
from core.store.results import RANKING_COLUMNS, SORTABLE, RankingQuery
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import silent

LARGE_UPLOAD = 10 * 2**20  # bytes, from which on reading a file takes long enough to tell of it
RUN_COLUMNS = ("id", "kind", "status", "active", "created", "finished", "error")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        options.command(Workspace(options.data_dir), options)
    except InputError as error:
        print(f"error: {_one_line(error)}", file=sys.stderr)
        return 2
    except ArchscopeError as error:
        print(f"error: {_one_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted; the same command goes on from what is finished.", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of a pipe (head, say) has seen enough
        sys.stderr.close()
    return 0


def _build(workspace: Workspace, options: argparse.Namespace) -> None:
    names = (
        "name",
        "labels",
        "label_rules",
        "label_parents",
        "lengths",
        "length_measure",
        "length_unit",
        "repeated_genes",
        "engine",
        "scheduler",
        "memory",
    )
    chosen = {name: getattr(options, name) for name in names}
    request = workflows.BuildRequest(options.file, max_singlecell=options.max_singlecell, **chosen)
    outcome = workflows.build(workspace, request, _Console())
    _print_notes(outcome)
    if outcome.cached:
        print(
            f"Dataset {outcome.name!r} is already built from this content with this recipe: nothing to do (cache hit)."
        )
    else:
        print(f"Dataset {outcome.name!r} built in {outcome.seconds:.1f} s.")


def _add(workspace: Workspace, options: argparse.Namespace) -> None:
    where = {n: getattr(options, n) for n in ("engine", "scheduler", "memory", "label_rules", "label_parents")}
    request = workflows.AddRequest(options.name, options.file, options.labels, options.target == "kept", **where)
    outcome = workflows.add(workspace, request, _Console())
    _print_notes(outcome)
    state = "has nothing to add (cache hit)" if outcome.cached else f"updated in {outcome.seconds:.1f} s"
    print(f"Dataset {outcome.name!r} {state}.")


def _print_notes(outcome: workflows.BuildOutcome) -> None:
    for warning in outcome.warnings:
        print(f"note: {warning}", file=sys.stderr)


def _demo(workspace: Workspace, options: argparse.Namespace) -> None:
    outcome = workflows.create_demo(workspace, _Console())
    state = "is already built (cache hit)" if outcome.cached else f"built in {outcome.seconds:.1f} s"
    print(f"Simulated dataset {outcome.name!r} {state}.")


def _datasets(workspace: Workspace, options: argparse.Namespace) -> None:
    _print_table(workflows.datasets(workspace), options.format)


def _labels(workspace: Workspace, options: argparse.Namespace) -> None:
    _print_table(workflows.labels(workspace, options.name), options.format)


def _label(workspace: Workspace, options: argparse.Namespace) -> None:
    action = "remove" if options.remove else "add"
    done = workflows.edit_labels(workspace, options.name, options.samples, options.label, action, options.note)
    print(done.text)


def _rankings(workspace: Workspace, options: argparse.Namespace) -> None:
    query = RankingQuery(sort=options.sort, limit=options.limit)
    _print_table(workflows.rankings(workspace, options.name, query)[list(RANKING_COLUMNS)], options.format)


def _neighbourhood(workspace: Workspace, options: argparse.Namespace) -> None:
    view = workflows.neighbourhood(workspace, options.name, options.gene)
    if options.format == "csv":
        _print_table(view.members, "csv")
        return
    random = {"mean": view.random.mean(), "sd": view.random.std(ddof=1), "sets": len(view.random)}
    content = {"gene": dict(view.row), "unit": view.unit, "random_mean_cosine": random}
    tables = {"members": view.members, "labels": view.labels, "series": view.series}
    _print_json(content | {name: table.to_dict("records") for name, table in tables.items()})


def _train_classifier(workspace: Workspace, options: argparse.Namespace) -> None:
    names = ("family", "trees", "genes", "min_leaf", "balanced", "min_label_count")
    chosen = {name: getattr(options, name) for name in names}
    parameters = {"split": options.split, "seed": options.seed} | {k: v for k, v in chosen.items() if v is not None}
    ClassifierRecipe(**parameters).validated()  # before there is a run of it
    _train(workspace, "classifier", options.name, parameters, options.engine, options.scheduler)


def _train_gan(workspace: Workspace, options: argparse.Namespace) -> None:
    _train(workspace, "generator", options.name, {"label": options.label, "model": options.model, "seed": options.seed})


def _augment(workspace: Workspace, options: argparse.Namespace) -> None:
    if options.resume:
        run = workflows.reopen_study(workspace, options.resume, options.name)
    else:
        arms = options.arms.split(",") if options.arms else None
        sizes = parse_sizes(options.sizes) if options.sizes else None
        chosen = {name: getattr(options, name) for name in ("label", "seeds", "steps", "seed", "family")}
        parameters = workflows.study_parameters(workspace, options.name, sizes=sizes, arms=arms, **chosen)
        fingerprint = workspace.dataset(options.name).fingerprint
        run = workspace.runs.create("augmentation", options.name, parameters, fingerprint)
    jobs.claim(run)
    print(f"note: if it stops, go on with: augment {options.name} --resume {run.id}", file=sys.stderr)
    workflows.perform(workspace, run, _Console(run))
    found = workflows.study(workspace, run.id)
    for line in [*found.verdicts, *found.notes]:
        print(f"note: {line}", file=sys.stderr)
    if options.format == "json":
        _print_json({"run": run.id, **(run.result or {})})
    else:
        _print_table(found.summary, "csv")


def _train(
    workspace: Workspace,
    kind: str,
    name: str,
    parameters: dict[str, Any],
    engine: str = "local",
    scheduler: str | None = None,
) -> None:
    run = workspace.runs.create(kind, name, parameters, workspace.dataset(name).fingerprint)
    jobs.claim(run)
    workflows.perform(workspace, run, _Console(run), engine, scheduler)
    workspace.activate(run)
    print(f"note: run {run.id} is now the {kind} in use for {name!r}.", file=sys.stderr)
    result = run.result or {}
    print(f"note: {_headline(result['metrics'])}", file=sys.stderr)
    _print_json({"run": run.id, **result})


def _headline(metrics: dict[str, Any]) -> str:
    """The scores that matter most, in one line: both splits beside the majority baseline, or a generator's verdict."""
    if "splits" not in metrics:
        return str(metrics["verdict"])
    parts = [
        f"{name} {split['model']['samples_f1']:.3f} (majority label {split['majority']['samples_f1']:.3f})"
        for name, split in metrics["splits"].items()
        if split is not None
    ]
    return f"samples-averaged F1 by split: {', '.join(parts)}"


def _runs(workspace: Workspace, options: argparse.Namespace) -> None:
    found = workflows.runs(workspace, options.name)
    _print_table(found if options.format == "json" else found[list(RUN_COLUMNS)], options.format)


def _promote(workspace: Workspace, options: argparse.Namespace) -> None:
    _print_change(workflows.promote(workspace, options.run))


def _rollback(workspace: Workspace, options: argparse.Namespace) -> None:
    _print_change(workflows.rollback(workspace, options.name, options.kind))


def _print_change(change: workflows.Change) -> None:
    run, before = change.run, change.before
    if before is not None and before.id == run.id:
        print(f"Run {run.id} is the {run.kind} in use for {run.dataset!r} already.")
    else:
        after = f", after {before.id}" if before else ""
        print(f"Run {run.id} is now the {run.kind} in use for {run.dataset!r}{after}.")


def _delete(workspace: Workspace, options: argparse.Namespace) -> None:
    run = workflows.delete(workspace, options.run)
    print(f"Deleted run {run.id}, a {run.kind} of {run.dataset!r}.")


def _card(workspace: Workspace, options: argparse.Namespace) -> None:
    card = workflows.model_card(workspace, options.run)
    if options.format == "json":
        _print_json(card)
    else:
        print(workflows.card_markdown(card), end="")


def _classify(workspace: Workspace, options: argparse.Namespace) -> None:
    large = options.file.is_file() and options.file.stat().st_size > LARGE_UPLOAD
    progress = _Console() if large else silent
    matched = workflows.read_upload(workspace, options.name, options.file, options.file.name, options.units, progress)
    for note in matched.notes:
        print(f"note: {note}", file=sys.stderr)
    workflows.write_predictions(
        workspace, options.name, matched, options.run, options.format, options.out, sys.stdout, progress
    )


def _synthesize(workspace: Workspace, options: argparse.Namespace) -> None:
    made = workflows.synthesize(workspace, options.run, options.n, options.seed)
    workflows.export_synthetic(workspace, options.run, made, options.out)
    print(f"Wrote {options.n} synthetic {made.label} samples x {len(made.genes):,} genes to {options.out}.")


def _evaluate(workspace: Workspace, options: argparse.Namespace) -> None:
    found = workflows.evaluate(workspace, options.run)
    if options.format == "json":
        _print_json(found)
    else:
        _print_table(pd.DataFrame(found["scorecard"]), "csv")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data-dir", type=Path, default=None, help=f"folder of datasets and runs (default: {data_dir()})"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    build = _command(commands, "build", _build, "read, normalise and measure an ARCHS4 file")
    build.add_argument("file", type=Path, metavar="FILE.h5")
    build.add_argument("--name", required=True, help="name of the dataset")
    _with_labels(build, "table sample_id<TAB>label, or folder with a folder of tables for each label")
    build.add_argument("--lengths", type=Path, help="gene length table, or a GENCODE GTF (plain or gzip)")
    build.add_argument("--length-unit", choices=("kb", "bp"), default="kb")
    build.add_argument("--length-measure", choices=("spliced", "genomic_span", "none"), default="spliced")
    build.add_argument(
        "--repeated-genes", choices=("sum", "keep"), default="sum", help="genes that stand in the file twice"
    )
    build.add_argument(
        "--max-singlecell", type=float, default=0.5, help="leave out biosamples of this probability or more"
    )
    _with_engine(build)
    _with_memory(build)

    more = _command(commands, "add", _add, "add the biosamples of another file to a dataset", "name")
    more.add_argument("file", type=Path, metavar="FILE.h5")
    _with_labels(more, "table sample_id<TAB>label or folder of labels, of new biosamples or old ones")
    more.add_argument(
        "--target", choices=("moved", "kept"), default="moved",
        help="moved: as if built from all biosamples at once; kept: what was normalised stays as it is",
    )  # fmt: skip
    _with_engine(more)
    _with_memory(more)

    _command(commands, "demo", _demo, "create the simulated demo dataset")
    _formatted(_command(commands, "datasets", _datasets, "list the datasets"))

    _formatted(_command(commands, "labels", _labels, "labels in use, and what set each of them", "name"))
    label = _command(commands, "label", _label, "add a label to biosamples, or remove it from them", "name", "label")
    label.add_argument("samples", nargs="+", metavar="SAMPLE", help="ids of biosamples")
    label.add_argument("--remove", action="store_true", help="remove the label")
    label.add_argument("--note", default="", help="why; kept with the edit")

    rankings = _formatted(_command(commands, "rankings", _rankings, "genes by signal, mean cosine and more", "name"))
    rankings.add_argument("--sort", choices=SORTABLE, default="signal", metavar="COLUMN")
    rankings.add_argument("--limit", type=int)

    hood = _formatted(_command(commands, "neighbourhood", _neighbourhood, "the biosamples behind a gene", "name"))
    hood.add_argument("gene", help="symbol or Ensembl id")

    train = _command(commands, "train", None, "train a model").add_subparsers(required=True, metavar="MODEL")
    forest = _command(train, "classifier", _train_classifier, "classifier of several labels at once", "name")
    forest.add_argument("--split", choices=("random", "series"), default="random", help="which score is the headline")
    forest.add_argument("--seed", type=int, default=1)
    _with_recipe(forest)
    _with_engine(forest)
    gan = _command(train, "gan", _train_gan, "generator of synthetic samples", "name")
    gan.add_argument("--label", required=True)
    gan.add_argument("--model", choices=workflows.GENERATOR_MODELS, default="wgan-gp")
    gan.add_argument("--seed", type=int, default=1)

    study = _formatted(_command(commands, "augment", _augment, "do synthetic samples help a classifier?", "name"))
    which = study.add_mutually_exclusive_group(required=True)
    which.add_argument("--label", help="label to make rare")
    which.add_argument("--resume", metavar="RUN", help="go on with a study that was stopped, as it was asked for")
    study.add_argument("--seeds", type=int, help="how many (default: 20)")
    study.add_argument("--sizes", metavar="2,5,all", help="real biosamples of the label (default: 2,5,10,25,50,all)")
    study.add_argument("--arms", metavar="ARM,ARM", help=f"of {', '.join(ARMS)} (default: all)")
    study.add_argument("--steps", type=int, help="training steps of each GAN (default: 500)")
    study.add_argument("--family", choices=FAMILIES, help="of the classifier (default: forest)")
    study.add_argument("--seed", type=int, help="the first seed (default: 1)")

    _formatted(_command(commands, "runs", _runs, "trainings of a dataset", "name"))
    _command(commands, "promote", _promote, "put a trained model to use", "run")
    back = _command(commands, "rollback", _rollback, "put the model to use that was in use before", "name")
    back.add_argument("--kind", choices=("classifier", "generator"), default="classifier")
    _command(commands, "delete", _delete, "delete a training for good", "run")
    card = _command(commands, "card", _card, "what a trained model is, its scores and its limits", "run")
    card.add_argument("--format", choices=("md", "json"), default="md")
    classify = _command(commands, "classify", _classify, "tissue or cell line of uploaded samples", "name")
    classify.add_argument("file", type=Path)
    classify.add_argument("--run", metavar="ID", help="model to use (default: the one in use)")
    classify.add_argument("--format", choices=("csv", "json"), help="default: as --out ends, else csv")
    classify.add_argument("--out", type=Path, metavar="FILE.csv|.json|.parquet", help="default: standard output")
    classify.add_argument(
        "--units", choices=workflows.UNITS, default="auto",
        help="what the values are; tpm: also RPKM and FPKM, counts: also CPM (default: told from the values)",
    )  # fmt: skip

    synthesize = _command(commands, "synthesize", _synthesize, "draw synthetic samples", "run")
    synthesize.add_argument("-n", type=int, default=100)
    synthesize.add_argument("--seed", type=int, default=1)
    synthesize.add_argument("--out", type=Path, required=True, metavar="FILE.h5|.csv|.parquet")
    _formatted(_command(commands, "evaluate", _evaluate, "how good a run's synthetic samples are", "run"))
    return parser


def _command(commands: Any, name: str, function: Any, text: str, *positional: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    for argument in positional:
        parser.add_argument(argument)
    parser.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    if function is not None:
        parser.set_defaults(command=function)
    return parser


def _formatted(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--format", choices=("csv", "json"), default="csv")
    return parser


def _with_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", choices=("local", "dask"), default="local", help="where the work runs")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask scheduler (default: workers here)")


def _with_labels(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--labels", type=Path, metavar="TABLE|FOLDER", help=text)
    parser.add_argument(
        "--label-rules", type=Path, nargs="?", const=SHIPPED_RULES, metavar="VOCABULARY",
        help="label by rules over title, source name and characteristics (default: the vocabulary in data/)",
    )  # fmt: skip
    parser.add_argument(
        "--parents", type=Path, nargs="?", const=SHIPPED_PARENTS, metavar="TABLE", dest="label_parents",
        help="labels imply others: cerebellum is brain, too (default: the table in data/; rules always use it)",
    )  # fmt: skip


def _with_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--family", choices=FAMILIES, help="forest (default), extra-trees: faster, or linear: logistic regression"
    )
    parser.add_argument("--trees", type=int, help="not for linear (default: 300)")
    parser.add_argument("--genes", type=int, help="marker genes (default: chosen inside the training part)")
    parser.add_argument("--min-leaf", type=int, help="biosamples in a leaf at least (default: chosen)")
    parser.add_argument(
        "--balanced", action=argparse.BooleanOptionalAction, default=None,
        help="whether every label weighs the same in training (default: chosen)",
    )  # fmt: skip
    parser.add_argument("--min-label-count", type=int, help="drop labels with fewer biosamples")


def _with_memory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--memory", default="4GB", help="for all blocks at work together (default: 4GB)")


class _Console:
    """Progress on standard error, a line a stage (rewritten in place on a terminal), and in the run's folder."""

    def __init__(self, run: Run | None = None) -> None:
        self._file = jobs.FileProgress(run) if run else None
        self._begun = time.monotonic()
        self._stage = ""

    def __call__(self, stage: str, done: float, total: float, **values: float | str) -> None:
        if self._file:
            self._file(stage, done, total, **values)
        fraction = done / total if total else 1.0
        text = f"{fraction:4.0%}  {stage}"
        if 0.02 < fraction < 1:
            text += f", about {jobs.at_this_pace(time.monotonic() - self._begun, fraction):.0f} s left"
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="" if done < total else "\n", file=sys.stderr, flush=True)
        elif stage != self._stage:
            print(text, file=sys.stderr, flush=True)
        self._stage = stage


def _print_table(frame: pd.DataFrame, form: str) -> None:
    if form == "json":
        _print_json(frame.to_dict("records"))
    else:
        frame.to_csv(sys.stdout, index=False)


def _print_json(content: Any) -> None:
    json.dump(clean(content), sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    print()


def _one_line(error: ArchscopeError) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
