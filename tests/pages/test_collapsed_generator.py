"""A generator that always emits the representative sample fails its scorecard, and both pages warn of copies.

By the published reading, the distance to the representative biosample, it would be perfect.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import workflows as wf
from core.models.evaluation import fidelity
from core.models.evaluation.copying import medoid
from core.models.generators.baselines import SmoteGenerator
from core.store.runs import Run
from core.store.workspace import Workspace
from pages.ui import generated
from tests.conftest import train
from tests.pages.conftest import Opener

FAILED = ("recall", "correlation_score", "frechet_distance", "gene_sd_r2", "gene_sd_error",
          "closest_train_ratio")  # fmt: skip


@pytest.fixture
def collapsed(page_root: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def draw(self: SmoteGenerator, n: int, label: str, rng: np.random.Generator) -> np.ndarray:
        return np.repeat(self.profiles[[medoid(self.profiles.astype(np.float64))]], n, axis=0)

    monkeypatch.setattr(SmoteGenerator, "_draw", draw)
    monkeypatch.setattr(fidelity, "N_DRAWS", 3)
    monkeypatch.setattr(fidelity, "_SLOW_DRAWS", 1)
    return train(Workspace(page_root), "generator", label="blood", model="smote")


def test_the_scorecard_fails_it_and_both_pages_say_that_it_copies(
    collapsed: Run, open_page: Opener, page_root: Path
) -> None:
    card = wf.run_view(Workspace(page_root), collapsed.id).tables["scorecard"].set_index("metric")
    assert {name: card.loc[name, "verdict"] for name in FAILED} == dict.fromkeys(FAILED, "fail")
    assert card.loc["closest_train_ratio", "synthetic"] == pytest.approx(0.0, abs=0.1)
    verdict = wf.evaluate(Workspace(page_root), collapsed.id)["verdict"]
    assert "Missed" in verdict and "Recall" in verdict
    warned = generated.warnings(card.reset_index())
    assert any("Samples look copied" in line for line in warned)
    assert any("PCA-Gaussian baseline is better" in line for line in warned)
    for page in (
        open_page("synthetic", generator=collapsed.id),
        open_page("train", model="Synthetic samples", generator_runs=collapsed.id),
    ):
        assert not page.exception
        boxes = [box.value for box in page.main.warning]
        assert any("Samples look copied" in text for text in boxes)
    assert not any("copied" in line for line in generated.warnings(card_of_first(page_root)))


def card_of_first(root: Path) -> pd.DataFrame:
    """The scorecard of the honest generator that the small dataset comes with, as if it kept its distance."""
    first = wf.runs(Workspace(root), "demo", "generator")["id"].iloc[-1]
    card = wf.run_view(Workspace(root), first).tables["scorecard"]
    card.loc[card["metric"] == "closest_train_ratio", "synthetic"] = 1.0
    return card


def test_samples_that_give_training_biosamples_away_are_warned_of() -> None:
    rows = [("membership_auc", 0.8, "fail"), ("closest_train_ratio", 1.0, "pass")]
    card = pd.DataFrame(rows, columns=["metric", "synthetic", "verdict"]).assign(beats_baseline=None, title="")
    [line] = generated.warnings(card)
    assert "AUC of 0.80" in line
    assert generated.warnings(card.assign(verdict="pass")) == []
