"""Commands about models: train, study, promote, delete, describe."""

import argparse
import sys
from typing import Any

from core import jobs, workflows
from core.commands.arguments import command, formatted, with_engine
from core.commands.console import Console, print_json, print_table, with_article
from core.errors import RecipeError
from core.models.augmentation.recipe import ARMS, parse_sizes
from core.models.recipe import FAMILIES
from core.store.runs import Run
from core.store.workspace import Workspace

RUN_COLUMNS = ("id", "kind", "status", "active", "created", "finished", "error")
DISTANCE_HELP = (
    "of samples of wgan-gp and flow-matching from a training biosample, in units of what lies between that one and its "
    "own nearest: with 0.8 it is harder to tell who was trained on (default: 0, any)"
)


def register(commands: Any) -> None:
    """Adds these commands to the parser."""
    train = command(commands, "train", None, "train a model").add_subparsers(required=True, metavar="MODEL")
    forest = command(train, "classifier", _train_classifier, "classifier of several labels at once", "name")
    forest.add_argument("--split", choices=("random", "series"), default="random", help="which score is the headline")
    forest.add_argument("--seed", type=int, default=1)
    _with_recipe(forest)
    _with_augmentation(forest)
    with_engine(forest)
    gan = command(train, "gan", _train_gan, "generator of synthetic samples", "name")
    wanted = gan.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--label", help="label to make samples of")
    wanted.add_argument("--resume", metavar="RUN", help="go on with a training that was stopped, as it was asked for")
    gan.add_argument("--model", choices=workflows.GENERATOR_MODELS, help="default: wgan-gp")
    gan.add_argument(
        "--steps", type=int, help="training steps (default: wgan-gp 2500, flow-matching at most 4000, published 600)"
    )
    gan.add_argument("--seed", type=int, help="default: 1")
    gan.add_argument("--least-distance", type=float, help=DISTANCE_HELP)

    study = formatted(command(commands, "augment", _augment, "do synthetic samples help a classifier?", "name"))
    which = study.add_mutually_exclusive_group(required=True)
    which.add_argument("--label", help="label to make rare")
    which.add_argument("--resume", metavar="RUN", help="go on with a study that was stopped, as it was asked for")
    study.add_argument("--seeds", type=int, help="how many (default: 20)")
    study.add_argument("--sizes", metavar="2,5,all", help="real biosamples of the label (default: 2,5,10,25,50,all)")
    study.add_argument("--arms", metavar="ARM,ARM", help=f"of {', '.join(ARMS)} (default: all)")
    study.add_argument("--steps", type=int, help="training steps of each GAN (default: 500)")
    study.add_argument("--family", choices=FAMILIES, help="of the classifier (default: forest)")
    study.add_argument("--seed", type=int, help="the first seed (default: 1)")

    formatted(command(commands, "runs", _runs, "trainings and studies of a dataset", "name"))
    command(commands, "promote", _promote, "put a trained model to use", "run")
    back = command(commands, "rollback", _rollback, "put the model to use that was in use before", "name")
    back.add_argument("--kind", choices=("classifier", "generator"), default="classifier")
    command(commands, "delete", _delete, "delete a training or a study for good", "run")
    card = command(commands, "card", _card, "what a trained model is, its scores and its limits", "run")
    card.add_argument("--format", choices=("md", "json"), default="md")


def _with_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--family", choices=FAMILIES, help="forest (default), extra-trees: faster, or linear: logistic regression"
    )
    parser.add_argument("--trees", type=int, help="not for linear (default: 300, or 600 where that pays)")
    parser.add_argument("--genes", type=int, help="marker genes (default: chosen inside the training part)")
    parser.add_argument("--min-leaf", type=int, help="biosamples in a leaf at least (default: chosen)")
    parser.add_argument(
        "--balanced", action=argparse.BooleanOptionalAction, default=None,
        help="whether every label weighs the same in training (default: chosen)",
    )  # fmt: skip
    parser.add_argument("--min-label-count", type=int, help="drop labels with fewer biosamples")


def _with_augmentation(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("synthetic samples of rare labels, in training parts alone (default: none)")
    group.add_argument("--augment", metavar="LABEL,LABEL", help="labels to fill up")
    group.add_argument("--augment-model", choices=workflows.GENERATOR_MODELS, help="default: pca-gaussian")
    group.add_argument(
        "--augment-to",
        type=int,
        metavar="N",
        help="biosamples a label (default: the others' median, at least 30)",
    )
    group.add_argument("--augment-steps", type=int, metavar="N", help="steps of each GAN (default: 500)")


def _train_classifier(workspace: Workspace, options: argparse.Namespace) -> None:
    names = ("family", "trees", "genes", "min_leaf", "balanced", "min_label_count")
    chosen = {name: getattr(options, name) for name in names}
    parameters = {"split": options.split, "seed": options.seed} | {k: v for k, v in chosen.items() if v is not None}
    parameters |= _augmentation(options)
    workflows.check_classifier(workspace, options.name, parameters)  # before there is a run of it
    if options.augment:
        print(f"note: {workflows.augmentation_time(parameters)}", file=sys.stderr)
    _train(workspace, "classifier", options.name, parameters, options.engine, options.scheduler)


def _augmentation(options: argparse.Namespace) -> dict[str, Any]:
    """What was asked for of synthetic samples. Raises RecipeError for a detail of it without a label."""
    names = ("augment_model", "augment_to", "augment_steps")
    details = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    labels = [label.strip() for label in (options.augment or "").split(",") if label.strip()]
    if details and not labels:
        raise RecipeError("Synthetic samples need a label to fill up: give --augment LABEL.")
    return {"augment": labels, **details} if labels else {}


def _train_gan(workspace: Workspace, options: argparse.Namespace) -> None:
    if options.resume:
        changed = [f"--{name}" for name in ("model", "steps", "seed", "least-distance")
                   if getattr(options, name.replace("-", "_")) is not None]  # fmt: skip
        if changed:
            raise RecipeError(f"A training goes on as it was asked for: leave {', '.join(changed)} away with --resume.")
        _perform(workspace, workflows.reopen_training(workspace, options.resume, options.name))
        return
    parameters = {"label": options.label, "model": options.model or "wgan-gp", "steps": options.steps,
                  "seed": 1 if options.seed is None else options.seed,
                  "least_distance": options.least_distance}  # fmt: skip
    _train(workspace, "generator", options.name, {k: v for k, v in parameters.items() if v is not None})


def _train(
    workspace: Workspace,
    kind: str,
    name: str,
    parameters: dict[str, Any],
    engine: str = "local",
    scheduler: str | None = None,
) -> None:
    run = workspace.runs.create(kind, name, parameters, workspace.dataset(name).fingerprint)
    if kind == "generator":
        print(f"note: if it stops, go on with: train gan {name} --resume {run.id}", file=sys.stderr)
    _perform(workspace, run, engine, scheduler)


def _perform(workspace: Workspace, run: Run, engine: str = "local", scheduler: str | None = None) -> None:
    jobs.claim(run)
    workflows.perform(workspace, run, Console(run), engine, scheduler)
    workspace.activate(run)
    print(f"note: run {run.id} is now the {run.kind} in use for {run.dataset!r}.", file=sys.stderr)
    result = run.result or {}
    print(f"note: {_headline(result['metrics'])}", file=sys.stderr)
    for line in workflows.augmentation_verdicts(result["metrics"]):
        print(f"note: {line}", file=sys.stderr)
    print_json({"run": run.id, **result})


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
    workflows.perform(workspace, run, Console(run))
    found = workflows.study(workspace, run.id)
    for line in [*found.verdicts, *found.notes]:
        print(f"note: {line}", file=sys.stderr)
    if options.format == "json":
        print_json({"run": run.id, **(run.result or {})})
    else:
        print_table(found.summary, "csv")


def _runs(workspace: Workspace, options: argparse.Namespace) -> None:
    found = workflows.runs(workspace, options.name)
    print_table(found if options.format == "json" else found[list(RUN_COLUMNS)], options.format)


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
    print(f"Deleted run {run.id}, {with_article(run.kind)} of {run.dataset!r}.")


def _card(workspace: Workspace, options: argparse.Namespace) -> None:
    card = workflows.model_card(workspace, options.run)
    if options.format == "json":
        print_json(card)
    else:
        print(workflows.card_markdown(card), end="")
