"""Every public function is either a reader or stands behind a door, and the doors hold."""

import inspect
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import access, jobs, workflows
from core.access import Person, Role
from core.errors import AccessError
from core.store.audit import AuditLog
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import silent
from tests.access.conftest import ADMIN, OTHER, TRAINER, VIEWER


def _words(text: str) -> list[str]:
    return text.split()


READERS = {
    workflows: _words("""
        abstention_words augmentable augmentation_table augmentation_time augmentation_verdicts baselines
        belongings biosample_search biotype_counts call card_markdown cart_facts check_classifier choose_remote
        classify classify_biosamples compare_carts compare_generators compare_genes compare_synthetic confusions
        correlated_genes count_rankings coverage_curve datasets day default_parameters describe described
        disk_use enrich evaluate explain export export_biosamples export_synthetic expression_by_label
        expression_in file_stem fill_cart find_biosamples gap_words gencode_release gencode_releases gene
        gene_ranks gene_report gene_set_files gene_sets generator_labels genes_inside gsea gsea_job
        gsea_parameters gsea_result health ids_in ids_of_address inside_lasso is_quick is_ready known_listing
        label_edits label_members label_origins label_table labels last_change listing_key match_gene_list
        metrics model_card model_name neighbourhood novelty_words overview passing_genes prediction_report
        predictions_json predictions_table projection projection_job projection_parameters promotions provenance
        rank_gene_list rankings read_gene_sets read_ids read_upload releases request_parameters resumable
        rollback_target rough_bytes run_report run_view runs sample_report saved_filters search_biosamples
        selection_words series_warnings set_curve similar_biosamples steps_done studies study study_parameters
        synthesize tested_biosamples to_clean to_csv to_parquet told_by trail unit_of unlabelled unusually_high
        values_of with_samples worst write_predictions
    """),
    jobs: _words("active_runs at_this_pace ended log_lines progress_of recent seconds_taken"),
}
ROLES = {
    workflows: {
        **dict.fromkeys(
            _words("""
                activate add address_of_ids build create_demo delete_filters download_file edit_labels
                estimate fetch is_fetched keep_gene_sets perform promote read_listing reopen_study
                reopen_training rollback save_filters undo_label_edits
            """),
            Role.TRAINER,
        ),
        **dict.fromkeys(_words("backup clean delete delete_dataset delete_gene_sets restore"), Role.ADMIN),
    },
    jobs: dict.fromkeys(_words("bootstrap_demo cancel claim dismiss launch start"), Role.TRAINER),
}  # fmt: skip


def changers() -> list[tuple[str, str]]:
    """Every function with a role, as the name of its module and its own."""
    return [(module.__name__, name) for module, names in ROLES.items() for name in names]


@pytest.mark.parametrize("module", [workflows, jobs])
def test_every_public_function_is_a_reader_or_has_a_role(module: Any) -> None:
    functions = {name for name in module.__all__ if inspect.isroutine(getattr(module, name))}
    listed = set(READERS[module]) | set(ROLES[module])
    assert functions - listed == set(), "new: say in this test whether they change something, and guard those that do"
    assert listed - set(dir(module)) == set(), "gone: take them out of this test"
    assert set(READERS[module]) & set(ROLES[module]) == set()


def test_readers_stand_behind_no_door() -> None:
    for module, names in READERS.items():
        assert [name for name in names if hasattr(getattr(module, name), "__role__")] == []


def contents(root: Path) -> dict[str, Any]:
    """Every file below a folder with its content, but for the audit log."""
    return {
        str(path.relative_to(root)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "audit.jsonl"
    }


class Bench:
    """A data folder of one's own with a dataset, a live job, a stopped one and an ended one, all of the trainer."""

    def __init__(self, root: Path, tmp: Path) -> None:
        self.workspace, self.root, self.tmp = Workspace(root), root, tmp
        found = self.workspace.runs.all("demo")
        self.model = next(run for run in found if run.kind == "classifier")
        self.spare = self._copy(self.model, "spare", owner=TRAINER.id)
        self.live = self._copy(self.model, "live", owner=TRAINER.id)
        for name in ("result.json", ".room"):
            (self.live.path / name).unlink(missing_ok=True)
        (self.live.path / "process.json").unlink(missing_ok=True)
        self.stopped = self._copy(next(run for run in found if run.kind == "generator"), "stopped", owner=TRAINER.id)
        self.study = self._copy(self.model, "study", owner=TRAINER.id, kind="augmentation")
        for run in (self.stopped, self.study):
            (run.path / "result.json").unlink()
            (run.path / "cancelled").touch()
        self.counts, self.labels, self.lengths = (
            root / "demo" / name for name in ("demo.h5", "demo_labels.tsv", "demo_lengths.tsv")
        )
        self.sample = self.workspace.dataset("demo").biosamples["sample_id"].iloc[0]

    def _copy(self, run: Run, name: str, **recipe: str) -> Run:
        path = run.path.with_name(f"20990101-000000-{name}")
        shutil.copytree(run.path, path)
        found = json.loads((path / "recipe.json").read_text())
        fresh = {"created": "2099-01-01T00:00:00.000+00:00"}
        (path / "recipe.json").write_text(json.dumps({**found, **fresh, **recipe}))
        return Run(path)

    def calls(self) -> dict[str, Callable[[], object]]:
        """A call of each function that changes something, which would succeed, or at least get past its door."""
        w, name = self.workspace, "demo"
        request = workflows.BuildRequest(self.counts, "small", self.labels, self.lengths)
        fetching = workflows.FetchRequest("http://127.0.0.1:9/none.h5", workflows.RemoteChoice())
        return {
            "add": lambda: workflows.add(w, workflows.AddRequest(name, self.counts)),
            "build": lambda: workflows.build(w, request),
            "create_demo": lambda: workflows.create_demo(w, n_biosamples=320, n_genes=1000),
            "delete_gene_sets": lambda: workflows.delete_gene_sets(w, "sets"),
            "delete_filters": lambda: workflows.delete_filters(w, name, "mine"),
            "save_filters": lambda: workflows.save_filters(w, name, "mine", {"q": "GFAP"}),
            "download_file": lambda: workflows.download_file(w, "http://127.0.0.1:9/none.h5"),
            "edit_labels": lambda: workflows.edit_labels(w, name, [self.sample], "checked"),
            "undo_label_edits": lambda: workflows.undo_label_edits(w, name),
            "address_of_ids": lambda: workflows.address_of_ids(w, ["GSM1"]),
            "estimate": lambda: workflows.estimate(w, fetching),
            "fetch": lambda: workflows.fetch(w, fetching),
            "is_fetched": lambda: workflows.is_fetched(w, fetching),
            "read_listing": lambda: workflows.read_listing(w, "http://127.0.0.1:9/none.h5"),
            "keep_gene_sets": lambda: workflows.keep_gene_sets(w, "mine.gmt", b"SET\tnone\tGFAP\tALB\n"),
            "perform": lambda: workflows.perform(w, self.live, silent),
            "promote": lambda: workflows.promote(w, self.spare.id),
            "activate": lambda: workflows.activate(w, self.spare.id),
            "rollback": lambda: workflows.rollback(w, name),
            "reopen_study": lambda: workflows.reopen_study(w, self.study.id),
            "reopen_training": lambda: workflows.reopen_training(w, self.stopped.id),
            "clean": lambda: workflows.clean(w),
            "delete_dataset": lambda: workflows.delete_dataset(w, "demo"),
            "delete": lambda: workflows.delete(w, self.spare.id),
            "backup": lambda: workflows.backup(w, self.tmp / "backup.tar"),
            "restore": lambda: workflows.restore(w, self.tmp / "backup.tar"),
            "bootstrap_demo": lambda: jobs.bootstrap_demo(Workspace(self.tmp / "empty")),
            "cancel": lambda: jobs.cancel(self.live),
            "claim": lambda: jobs.claim(self.live),
            "dismiss": lambda: jobs.dismiss([self.spare]),
            "launch": lambda: jobs.launch(w, self.stopped),
            "start": lambda: jobs.start(w, "classifier", name, {"trees": 5}),
        }  # fmt: skip


@pytest.fixture
def bench(demo_root: Path, tmp_path: Path, write_roles: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr("core.jobs.subprocess.Popen", _no_process)
    monkeypatch.setattr("core.store.runs.STARTING", 1e12)  # the live job has no process of its own
    root = tmp_path / "data"
    shutil.copytree(demo_root, root, ignore=shutil.ignore_patterns("audit.jsonl"))
    monkeypatch.setenv("ARCHSCOPE_DATA", str(root))
    made = Bench(root, tmp_path)
    write_roles()
    return made


class _no_process:  # noqa: N801
    """In place of a worker: it is started, and does nothing."""

    def __init__(self, *arguments: object, **named: object) -> None:
        self.pid = os.getpid()

    def wait(self) -> int:
        return 0


@pytest.mark.parametrize(("module", "name"), changers())
def test_whoever_lacks_the_role_is_refused_and_nothing_changes(bench: Bench, module: str, name: str) -> None:
    call = bench.calls()[name]
    needed = next(roles[name] for found, roles in ROLES.items() if found.__name__ == module)
    before = contents(bench.root)
    lower = [VIEWER, *([TRAINER] if needed is Role.ADMIN else [])]
    for person in lower:
        with access.acting_as(person), pytest.raises(AccessError, match=r"needs the role (trainer|admin)"):
            call()
    with access.acting_as(Person("sam@else.org", "Sam", None)), pytest.raises(AccessError, match="has no role"):
        call()
    with pytest.raises(AccessError, match="sign in first"):  # nobody at all
        call()
    assert contents(bench.root) == before
    assert not (bench.tmp / "backup.tar").exists()
    log = AuditLog(bench.root if name != "bootstrap_demo" else bench.tmp / "empty").read()
    assert set(log["outcome"]) == {"refused"}
    assert log["person"].tolist() == ["", "sam@else.org", *(person.id for person in reversed(lower))]


@pytest.mark.parametrize("name", ["edit_labels", "save_filters", "keep_gene_sets", "promote", "cancel", "start"])
def test_whoever_has_the_role_gets_in_and_leaves_one_line(bench: Bench, name: str) -> None:
    before = contents(bench.root)
    with access.acting_as(TRAINER):
        bench.calls()[name]()
    assert contents(bench.root) != before
    log = AuditLog(bench.root).read()
    assert log[["person", "role", "outcome"]].to_numpy().tolist() == [["tom@lab.org", "trainer", "allowed"]]


def test_an_admin_deletes_and_a_failure_is_told(bench: Bench) -> None:
    with access.acting_as(ADMIN):
        workflows.delete(bench.workspace, bench.spare.id)
        with pytest.raises(workflows.EXPECTED):
            workflows.delete(bench.workspace, bench.model.id)  # in use
    log = AuditLog(bench.root).read()
    assert log["outcome"].tolist() == ["failed", "allowed", "allowed"]
    assert log["run"].tolist() == [bench.model.id, bench.model.id, bench.spare.id]
    assert log["dataset"].tolist() == ["demo"] * 3
    assert not bench.spare.path.exists()


@pytest.mark.parametrize("name", ["cancel", "launch", "reopen_training", "reopen_study"])
def test_somebody_elses_job_is_for_admins(bench: Bench, name: str) -> None:
    before = contents(bench.root)
    with access.acting_as(OTHER), pytest.raises(AccessError, match="needs the role admin"):
        bench.calls()[name]()
    assert contents(bench.root) == before
    with access.acting_as(ADMIN):
        bench.calls()[name]()
    assert contents(bench.root) != before


def test_what_a_function_calls_behind_its_door_leaves_no_line_of_its_own(bench: Bench) -> None:
    with access.acting_as(TRAINER):
        bench.calls()["create_demo"]()
    assert AuditLog(bench.root).read()["action"].tolist() == ["demo"]


def test_a_run_says_who_asked_for_it_and_its_worker_acts_for_them(bench: Bench) -> None:
    with access.acting_as(TRAINER):
        run = jobs.start(bench.workspace, "classifier", "demo", {"trees": 5})
    assert Run(run.path).owner == "tom@lab.org"
    assert access.owner_of(run.recipe) == Person("tom@lab.org", "tom@lab.org", Role.TRAINER)
    del run.recipe["owner"]
    assert (run.owner, access.owner_of(run.recipe).id) == ("", "local")  # a run of an earlier version


@pytest.mark.parametrize("kind", ["classifier"])
def test_a_real_worker_trains_for_its_owner(
    demo_root: Path, tmp_path: Path, write_roles: Callable[[], Path], kind: str
) -> None:
    root = tmp_path / "data"
    shutil.copytree(demo_root, root, ignore=shutil.ignore_patterns("audit.jsonl"))
    write_roles()
    workspace = Workspace(root)
    with access.acting_as(TRAINER):
        run = jobs.start(workspace, kind, "demo", {"trees": 5, "genes": 50})
    end = time.monotonic() + 240
    while run.status in jobs.LIVE and time.monotonic() < end:
        time.sleep(0.2)
    assert (run.status, run.owner) == ("done", "tom@lab.org"), run.error
    assert AuditLog(root).read()[["action", "run"]].to_numpy().tolist() == [["start", run.id]]


def test_without_roles_nothing_is_refused(demo_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(demo_root, root, ignore=shutil.ignore_patterns("audit.jsonl"))
    workflows.edit_labels(Workspace(root), "demo", [Workspace(root).dataset("demo").biosamples["sample_id"][0]], "new")
    log = AuditLog(root).read()
    assert log[["person", "role", "action", "detail"]].to_numpy().tolist() == [
        ["local", "admin", "edit labels", "label new, action add"]
    ]


@pytest.fixture(autouse=True)
def no_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process without the app."""
    monkeypatch.setattr("core.access.people._resolver", None)
    yield
