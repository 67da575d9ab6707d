"""What a page, the command line or a notebook asks for: build, rank, classify, train, synthesize, evaluate."""

from core.errors import ArchscopeError
from core.models.generators.recipe import MODELS as GENERATOR_MODELS
from core.workflows.add import AddRequest, add
from core.workflows.answers import predictions_json, predictions_table, write_predictions
from core.workflows.augmentation import StudyView, reopen_study, studies, study, study_parameters
from core.workflows.build import BuildOutcome, build
from core.workflows.cards import card_markdown, model_card
from core.workflows.classify import call, classify, classify_biosamples, explain, unlabelled
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
from core.workflows.findings import abstention_words, gap_words, novelty_words, selection_words
from core.workflows.labels import (
    BiosampleQuery,
    FoundBiosamples,
    LabelChange,
    edit_labels,
    find_biosamples,
    label_edits,
    label_origins,
    label_table,
    labels,
    last_change,
    undo_label_edits,
)
from core.workflows.perform import perform
from core.workflows.plan import BuildRequest
from core.workflows.runs import (
    HISTORY_COLUMNS,
    Change,
    RunView,
    activate,
    day,
    default_parameters,
    delete,
    describe,
    model_name,
    promote,
    promotions,
    rollback,
    rollback_target,
    run_view,
    runs,
)
from core.workflows.synthetic import (
    SyntheticSet,
    SyntheticView,
    compare_synthetic,
    evaluate,
    export_synthetic,
    synthesize,
)
from core.workflows.tested import LISTED, confusions, coverage_curve, tested_biosamples
from core.workflows.uploading import UNITS, read_upload

EXPECTED = (ArchscopeError,)

__all__ = [
    "EXPECTED", "FIRST_MODELS", "GENERATOR_MODELS", "HISTORY_COLUMNS", "LISTED", "UNITS", "AddRequest",
    "BiosampleQuery", "BuildOutcome", "BuildRequest", "Change", "FoundBiosamples", "LabelChange", "Overview", "RunView",
    "StudyView", "SyntheticSet", "SyntheticView", "abstention_words", "activate", "add", "build", "call",
    "card_markdown", "classify", "classify_biosamples", "compare_synthetic", "confusions", "count_rankings",
    "coverage_curve", "create_demo", "datasets", "day", "default_parameters", "delete", "describe", "edit_labels",
    "evaluate", "explain", "export_synthetic", "find_biosamples", "gap_words", "gene", "label_edits", "label_origins",
    "label_table", "labels", "last_change", "model_card", "model_name", "neighbourhood", "novelty_words", "overview",
    "perform", "predictions_json", "predictions_table", "projection", "promote", "promotions", "rankings",
    "read_upload", "reopen_study", "rollback", "rollback_target", "run_view", "runs", "selection_words",
    "similar_biosamples", "studies", "study", "study_parameters", "synthesize", "tested_biosamples", "undo_label_edits",
    "unlabelled", "write_predictions",
]  # fmt: skip
