"""What a page, the command line or a notebook asks for: build, rank, classify, train, synthesize, evaluate."""

from core.errors import ArchscopeError
from core.models.generators.recipe import MODELS as GENERATOR_MODELS
from core.workflows.add import AddRequest, add
from core.workflows.build import BuildOutcome, build
from core.workflows.classify import (
    classify,
    classify_biosamples,
    predictions_json,
    predictions_table,
    read_upload,
    unlabelled,
)
from core.workflows.demo import FIRST_MODELS, create_demo
from core.workflows.explore import (
    Overview,
    count_rankings,
    datasets,
    gene,
    neighbourhood,
    overview,
    projection,
    rankings,
    similar_biosamples,
)
from core.workflows.perform import perform
from core.workflows.plan import BuildRequest
from core.workflows.runs import RunView, activate, default_parameters, run_view, runs
from core.workflows.synthetic import (
    SyntheticSet,
    SyntheticView,
    compare_synthetic,
    evaluate,
    export_synthetic,
    synthesize,
)

EXPECTED = (ArchscopeError,)

__all__ = [
    "EXPECTED", "FIRST_MODELS", "GENERATOR_MODELS", "AddRequest", "BuildOutcome", "BuildRequest", "Overview", "RunView",
    "SyntheticSet", "SyntheticView", "activate", "add", "build", "classify", "classify_biosamples", "compare_synthetic",
    "count_rankings", "create_demo", "datasets", "default_parameters", "evaluate", "export_synthetic", "gene",
    "neighbourhood", "overview", "perform", "predictions_json", "predictions_table", "projection", "rankings",
    "read_upload", "run_view", "runs", "similar_biosamples", "synthesize",
    "unlabelled",
]  # fmt: skip
