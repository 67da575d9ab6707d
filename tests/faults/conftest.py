"""Cases of faults: they leave rows for the table of ``python -m tests.faults``; the long ones only run there."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import acting, small
from tests.faults.table import Table, markdown

TABLE = "ARCHSCOPE_FAULTS_TABLE"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "faults: a long case of a fault (make test-faults)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long cases run where they are asked for by their marker."""
    if "faults" in config.option.markexpr and config.option.markexpr != "not faults":
        return
    long = [item for item in items if item.get_closest_marker("faults")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("faults")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get(TABLE):
        reports = [report for found in terminalreporter.stats.values() for report in found]
        rows = [cells for report in reports if getattr(report, "when", "") == "call"
                for name, cells in report.user_properties if name == "fault"]  # fmt: skip
        Path(os.environ[TABLE]).write_text(markdown(rows), encoding="utf-8")


@pytest.fixture
def table(record_property: pytest.Module) -> Iterator[Table]:
    """Collects the rows of a test."""
    yield Table(record_property)  # type: ignore[arg-type]
    acting.end_all()


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> small.Source:
    """A small counts file with labels and lengths, and a second one to add. Read them, don't change them."""
    return small.write(tmp_path_factory.mktemp("faults-source"))


@pytest.fixture(scope="session")
def built(source: small.Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the dataset "mine", built by nobody disturbed. Read it, don't change it."""
    root = tmp_path_factory.mktemp("faults-built")
    acting.build_here(root, source)
    return root
