"""One progress from 0 to 1 over a computation made of several stages of known weight."""

from collections.abc import Mapping

from core.types import Progress


class Stages:
    """Maps the progress of each stage onto its share of the whole.

    ``with_weights`` are relative costs, in the order of the stages. What a stage itself calls its steps is kept in
    the text; the fraction is always of the whole, so that a remaining time can be estimated from it.
    """

    def __init__(self, progress: Progress, weights: Mapping[str, float]) -> None:
        self._progress = progress
        self._weights = dict(weights)
        self._total = sum(weights.values())

    def by_name(self, stage: str, done: float, total: float, **values: float | str) -> None:
        """A ``Progress`` for work that names its own stages, each of which has a weight here."""
        share = min(1.0, done / total) if total else 1.0
        self._progress(stage, self._before(stage) + self._weights[stage] * share, self._total, **values)

    def stage(self, name: str) -> Progress:
        """A ``Progress`` for one stage, to hand to whatever does its work."""

        def report(stage: str, done: float, total: float, **values: float | str) -> None:
            self.by_name(name, done, total, **values)

        report(name, 0, 1)
        return report

    def _before(self, name: str) -> float:
        names = list(self._weights)
        return sum(self._weights[other] for other in names[: names.index(name)])
