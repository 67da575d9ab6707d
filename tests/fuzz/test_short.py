"""The fuzzer in short: some cases of every target, and every input that somebody thought of."""

import os
from pathlib import Path

import pytest

from tests.fuzz import demo, runner
from tests.fuzz.hard import answers, observed
from tests.fuzz.hard_cases import CASES, Hard
from tests.fuzz.target import Target, is_fine, outcome
from tests.fuzz.targets import TARGETS

SEED = 20
IN_PROCESS = [target for target in TARGETS.values() if target.contained is None and target.parser]
LIBHDF5 = [target for target in TARGETS.values() if target.contained is not None]
# Minutes in all, or gigabytes: only ``make fuzz`` runs them.
LARGE = {"gzip bomb: 10 GB of lines from 10 MB", "zip bomb", "GTF bomb: 10 GB from 10 MB", "HDF5: 60,000 groups",
         "header of 10 million columns", "row of 10 million columns", "gzip bomb of HDF5", "a line of 60 MB",
         "two million blank lines", "HDF5: groups 5,000 deep", "gzip bomb of blank lines"}  # fmt: skip


@pytest.fixture(autouse=True)
def _demo(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo dataset for what is read onto it; it takes seconds to make, so others go without."""
    if "hard" not in request.node.name and "wrong_answer" not in request.node.name:
        demo.demo_workspace.cache_clear()
        monkeypatch.setenv(demo.VARIABLE, str(request.getfixturevalue("demo_root")))


@pytest.mark.parametrize("target", IN_PROCESS, ids=lambda target: target.name)
@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning", "error::FutureWarning")
def test_whatever_is_read_is_refused_in_one_line_or_sound(target: Target, tmp_path: Path) -> None:
    for number in range(round(130 * target.share)):
        data, folder = target.case(SEED, number), tmp_path / str(number)
        folder.mkdir()
        found = outcome(target.run, data, folder)
        assert is_fine(found, 0), f"case {number}: {found}"


@pytest.mark.parametrize("target", LIBHDF5, ids=lambda target: target.name)
def test_libhdf5_may_loop_or_die_but_not_the_product(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "FAILING", Path(os.environ.get("PYTEST_TMP", "/nonexistent")))
    tally = runner.run(target, SEED, 0, 150, "mutate", deadline=float("inf"))
    assert not tally.failures and tally.cases >= 140, tally
    assert tally.sound and tally.refused


def test_addresses_with_hostile_parameters_open() -> None:
    target = next(target for target in TARGETS.values() if not target.parser)
    for number in range(6):
        assert outcome(target.run, target.case(SEED, number), Path()) == "ok"


@pytest.mark.parametrize("case", [case for case in CASES if case.name not in LARGE], ids=lambda case: case.name)
def test_a_hard_case_gets_its_answer(case: Hard, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(case.make())
    found = observed(case, tmp_path)
    assert answers(case, found), found


def test_a_wrong_answer_would_be_found(tmp_path: Path) -> None:
    def crash(data: bytes, folder: Path) -> None:
        raise KeyError("x")

    def several_lines(data: bytes, folder: Path) -> None:
        assert False, "a\nb"  # noqa: B011

    case = CASES[0]
    for read in (crash, several_lines):
        (tmp_path / read.__name__).mkdir()
        (tmp_path / read.__name__ / "input").write_bytes(b"")
        hard = Hard("x", case.make, "ok", read)
        assert not answers(hard, observed(hard, tmp_path / read.__name__))
    assert not is_fine("raised KeyError", 0) and not is_fine("ok", 6)


def test_a_file_whose_writing_hangs_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner.sys, "executable", "true")
    monkeypatch.setattr(runner, "_lines", lambda *_: iter([{"making": 7}, {"hang": "hang"}]))
    tally = runner.Tally()
    follows = runner._run_some(LIBHDF5[0], SEED, 5, 9, "mutate", float("inf"), tmp_path, tally)
    assert (follows, tally.cases) == (8, 0)
