"""What a fault did, a row a case: what was expected, what was seen, and whether that is well."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HEAD = ("case", "expected", "observed", "ok")


@dataclass
class Row:
    """One case."""

    case: str
    expected: str
    observed: list[str] = field(default_factory=list)
    ok: bool = False

    def saw(self, what: object) -> None:
        """Adds something that was observed, which is what it should be."""
        self.observed.append(" ".join(str(what).split()))

    def cells(self) -> list[str]:
        """Its four cells."""
        return [self.case, self.expected, "; ".join(self.observed) or "nothing", "yes" if self.ok else "NO"]


class Table:
    """The rows of one test."""

    def __init__(self, keep: Callable[[str, object], None]) -> None:
        self._keep = keep
        self._failed: list[str] = []

    @contextmanager
    def case(self, case: str, expected: str) -> Iterator[Row]:
        """A row; what goes wrong inside is observed, and fails the test once all its rows are done (``check``)."""
        row = Row(case, expected)
        try:
            yield row
            row.ok = True
        except Exception as error:  # noqa: BLE001 - the next cases are to be seen as well
            first = (str(error).strip() or "nothing").splitlines()[0]
            row.observed.append(f"{type(error).__name__}: {first[:300]}")
            self._failed.append(f"{case}: {type(error).__name__}: {error}")
        finally:
            self._keep("fault", row.cells())

    def check(self) -> None:
        """Raises AssertionError where a case was not as expected."""
        assert not self._failed, "\n".join(self._failed)


def markdown(rows: list[list[str]]) -> str:
    """The table in Markdown."""
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
