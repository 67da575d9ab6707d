"""How good synthetic samples are: every metric beside the same metric between two sets of real samples."""

from core.models.evaluation.fidelity import evaluate_synthetic
from core.models.evaluation.scorecard import mean_scorecard, scorecard, verdict

__all__ = ["evaluate_synthetic", "mean_scorecard", "scorecard", "verdict"]
