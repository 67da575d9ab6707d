"""Quotas: refused with what is used, what is allowed and what to do; never on a laptop."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core import access, jobs
from core.errors import AccessError
from core.store import quotas
from core.store.audit import AuditLog
from core.store.job_uploads import folder_size
from core.store.runs import Run
from core.store.workspace import Workspace
from tests.access.conftest import ADMIN, OTHER, ROLES, TRAINER

Writer = Callable[[str], Path]


@pytest.fixture
def here(demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    root = tmp_path / "data"
    shutil.copytree(demo_root, root, ignore=shutil.ignore_patterns("audit.jsonl"))
    monkeypatch.setattr("core.jobs._launch", lambda workspace, run, action: run)
    return Workspace(root)


def ask(here: Workspace) -> Run:
    return jobs.start(here, "classifier", "demo", {"trees": 5})


def test_so_many_jobs_at_once_and_no_more(here: Workspace, write_roles: Writer) -> None:
    write_roles(ROLES + "[quotas.trainer]\njobs = 2\n")
    with access.acting_as(TRAINER):
        first, second = ask(here), ask(here)
        with pytest.raises(AccessError, match=r"You have 2 of 2 jobs at once") as caught:
            ask(here)
        assert first.id in str(caught.value) and second.id in str(caught.value)
        assert len(here.runs.all(kind="classifier")) == 3  # the demo's, and these two
        first.write_result("done", metrics={})
        ask(here)
    with access.acting_as(OTHER):
        ask(here)  # another's jobs do not count
    assert AuditLog(here.root).read()[["person", "action", "outcome"]].to_numpy().tolist() == [
        ["tom@lab.org", "start", "refused"]
    ]


def test_a_person_may_have_more_than_the_role(here: Workspace, write_roles: Writer) -> None:
    write_roles(ROLES + '[quotas.trainer]\njobs = 0\n[quotas."tom@lab.org"]\njobs = "unlimited"\n')
    with access.acting_as(TRAINER):
        ask(here)
    with access.acting_as(OTHER), pytest.raises(AccessError, match="0 of 0 jobs"):
        ask(here)
    with access.acting_as(ADMIN):
        ask(here)  # no quota of admins


def test_what_belongs_to_a_person_is_what_lies_on_the_disk(here: Workspace, write_roles: Writer) -> None:
    write_roles(ROLES + '[quotas.trainer]\ndisk = "1 MB"\n')
    with access.acting_as(TRAINER):
        run = ask(here)
        (run.path / "model.bin").write_bytes(b"x" * 400_000)
        build = here.runs.create("build", "demo", {})
        build.write_result("done", metrics={})
    mine = quotas.belongings(here, TRAINER)
    on_disk = sum(
        (Path(place) / name).stat().st_size
        for folder in (run.path, build.path, here.root / "datasets/demo")
        for place, _, names in os.walk(folder)
        for name in names
    )
    assert sum(mine.values()) == on_disk
    assert mine["dataset demo"] == folder_size(here.root / "datasets/demo")
    assert quotas.belongings(here, OTHER) == {}
    with access.acting_as(OTHER):
        here.runs.create("build", "demo", {}).write_result("done", metrics={})  # built anew by somebody else
    assert "dataset demo" not in quotas.belongings(here, TRAINER)


def test_a_full_share_of_the_disk_names_used_allowed_and_the_largest(here: Workspace, write_roles: Writer) -> None:
    write_roles(ROLES + '[quotas.trainer]\ndisk = "300 kB"\n')
    with access.acting_as(TRAINER):
        run = ask(here)
        (run.path / "model.bin").write_bytes(b"x" * 400_000)
        words = rf"You use 4\d\d kB of 300 kB of the disk. .*run {run.id} \(4\d\d kB\).*Ask Ada, ada@lab.org"
        with pytest.raises(AccessError, match=words):
            ask(here)
    write_roles(ROLES + '[quotas.trainer]\ndisk = "1 MB"\n')
    with access.acting_as(TRAINER):
        ask(here)
        with pytest.raises(AccessError, match=r"and this adds 700 kB"):
            quotas.check_start(here, 700_000)


def test_uploads_of_a_session(write_roles: Writer) -> None:
    write_roles(ROLES + '[quotas.viewer]\nupload = "10 kB"\n')
    viewer = access.Person("v@lab.org", "V", access.Role.VIEWER)
    with access.acting_as(viewer):
        quotas.check_upload(4_000, 6_000)
        with pytest.raises(AccessError, match=r"The upload has 6 kB, and 4 kB of 10 kB of this session are used"):
            quotas.check_upload(4_000, 6_001)
    with access.acting_as(TRAINER):
        quotas.check_upload(0, 10**12)


def test_a_laptop_has_no_quotas(here: Workspace) -> None:
    for _ in range(5):
        ask(here)
    quotas.check_upload(10**12, 10**12)


def test_building_over_somebody_elses_dataset_is_for_admins(here: Workspace, write_roles: Writer) -> None:
    write_roles(ROLES)
    with access.acting_as(TRAINER):
        with pytest.raises(AccessError, match=r"“replace \(build\)” needs the role admin"):
            jobs.start(here, "build", "demo", {"counts": "x.h5"})
        jobs.start(here, "build", "new", {"counts": "x.h5"})
        here.runs.create("build", "demo", {}).write_result("done", metrics={})
        jobs.start(here, "build", "demo", {"counts": "x.h5"})  # one's own
    with access.acting_as(ADMIN):
        jobs.start(here, "build", "demo", {"counts": "x.h5"})
