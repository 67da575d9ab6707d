"""What a page, the command line or a notebook asks for: build, rank, classify, train, synthesize, evaluate."""

from core.errors import ArchscopeError
from core.models.generators.recipe import CONDITIONAL_MODELS
from core.models.generators.recipe import MODELS as GENERATOR_MODELS
from core.workflows.add import AddRequest, add
from core.workflows.annotations import gencode_release
from core.workflows.answers import predictions_json, predictions_table, write_predictions
from core.workflows.augmentation import StudyView, reopen_study, studies, study, study_parameters
from core.workflows.augmenting import (
    augmentable,
    augmentation_table,
    augmentation_time,
    augmentation_verdicts,
    check_classifier,
)
from core.workflows.backup import BackupOutcome, backup
from core.workflows.biosamples import (
    CartComparison,
    biosample_search,
    compare_carts,
    described,
    expression_in,
    search_biosamples,
    told_by,
    unusually_high,
)
from core.workflows.build import BuildOutcome, build
from core.workflows.cards import card_markdown, model_card
from core.workflows.carts import CartFacts, cart_facts, fill_cart, read_ids, series_warnings
from core.workflows.classify import call, classify, classify_biosamples, explain, unlabelled
from core.workflows.comparing import Baselines, baselines
from core.workflows.demo import FIRST_MODELS, create_demo
from core.workflows.disk import (
    CLEANABLE,
    QUICK,
    Cleaned,
    DiskUse,
    belongings,
    clean,
    delete_dataset,
    disk_use,
    to_clean,
)
from core.workflows.enrichment import (
    delete_gene_sets,
    enrich,
    gene_set_files,
    gene_sets,
    keep_gene_sets,
    read_gene_sets,
)
from core.workflows.explore import (
    Overview,
    count_rankings,
    datasets,
    gene,
    overview,
    rankings,
)
from core.workflows.exporting import VALUES, Choice, Exported, export, export_biosamples, gencode_releases
from core.workflows.findings import abstention_words, gap_words, novelty_words, selection_words
from core.workflows.gene_lists import RANKED_BY, GeneList, ListRanks, match_gene_list, rank_gene_list
from core.workflows.generator_choice import GeneratorChoice, compare_generators, generator_labels
from core.workflows.genes import (
    MOST_COMPARED,
    SCALES,
    CorrelatedGenes,
    GeneComparison,
    biotype_counts,
    compare_genes,
    correlated_genes,
    delete_filters,
    expression_by_label,
    gene_ranks,
    genes_inside,
    label_members,
    passing_genes,
    save_filters,
    saved_filters,
    unit_of,
    values_of,
)
from core.workflows.health import Check, health, metrics, worst
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
from core.workflows.neighbourhoods import neighbourhood, similar_biosamples, trail
from core.workflows.perform import perform
from core.workflows.plan import BuildRequest
from core.workflows.preranked import (
    GSEA_LIST,
    PERMUTATIONS,
    WEIGHTS,
    GseaRequest,
    SetCurve,
    gsea,
    gsea_job,
    gsea_parameters,
    gsea_result,
    set_curve,
)
from core.workflows.projections import (
    MAP_LIMIT,
    inside_lasso,
    is_quick,
    is_ready,
    projection,
    projection_job,
    projection_parameters,
)
from core.workflows.provenance import file_stem, provenance
from core.workflows.remote import download_file, known_listing, listing_key, read_listing, releases, rough_bytes
from core.workflows.remote_choice import RemoteChoice, RemoteChosen, choose_remote, with_samples
from core.workflows.remote_ids import address_of_ids, ids_in, ids_of_address
from core.workflows.remote_jobs import REMOTE_KINDS, request_parameters
from core.workflows.remote_slices import Estimate, FetchOutcome, FetchRequest, estimate, fetch, is_fetched
from core.workflows.reports import gene_report, prediction_report, run_report, sample_report
from core.workflows.restoring import NAME_TAKEN, RestoreOutcome, restore
from core.workflows.resuming import reopen_training, resumable, steps_done
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
from core.workflows.tables import to_csv, to_parquet
from core.workflows.tested import LISTED, confusions, coverage_curve, tested_biosamples
from core.workflows.uploading import UNITS, read_upload

EXPECTED = (ArchscopeError,)

__all__ = [
    "CLEANABLE", "CONDITIONAL_MODELS", "EXPECTED", "FIRST_MODELS", "GENERATOR_MODELS", "GSEA_LIST", "HISTORY_COLUMNS",
    "LISTED", "MAP_LIMIT", "MOST_COMPARED", "NAME_TAKEN", "PERMUTATIONS", "QUICK", "RANKED_BY", "REMOTE_KINDS",
    "SCALES", "UNITS", "VALUES", "WEIGHTS", "AddRequest", "BackupOutcome", "Baselines", "BiosampleQuery",
    "BuildOutcome", "BuildRequest", "CartComparison", "CartFacts", "Change", "Check", "Choice", "Cleaned",
    "CorrelatedGenes", "DiskUse", "Estimate",
    "Exported", "FetchOutcome", "FetchRequest", "FoundBiosamples", "GeneComparison", "GeneList", "GeneratorChoice",
    "GseaRequest", "LabelChange", "ListRanks", "Overview", "RemoteChoice", "RemoteChosen", "RestoreOutcome", "RunView",
    "SetCurve", "StudyView", "SyntheticSet", "SyntheticView", "abstention_words", "activate", "add", "address_of_ids",
    "augmentable", "augmentation_table", "augmentation_time", "augmentation_verdicts", "backup", "baselines",
    "belongings", "biosample_search", "biotype_counts", "build", "call", "card_markdown", "cart_facts",
    "check_classifier", "choose_remote", "classify", "classify_biosamples", "clean", "compare_carts",
    "compare_generators", "compare_genes", "compare_synthetic", "confusions", "correlated_genes", "count_rankings",
    "coverage_curve", "create_demo", "datasets", "day", "default_parameters", "delete", "delete_dataset",
    "delete_filters", "delete_gene_sets", "describe", "described", "disk_use", "download_file", "edit_labels", "enrich",
    "estimate", "evaluate", "explain", "export", "export_biosamples", "export_synthetic", "expression_by_label",
    "expression_in", "fetch", "file_stem", "fill_cart", "find_biosamples", "gap_words", "gencode_release",
    "gencode_releases", "gene", "gene_ranks", "gene_report", "gene_set_files", "gene_sets", "generator_labels",
    "genes_inside", "gsea", "gsea_job", "gsea_parameters", "gsea_result", "health", "ids_in", "ids_of_address",
    "inside_lasso", "is_fetched", "is_quick", "is_ready", "keep_gene_sets", "known_listing", "label_edits",
    "label_members", "label_origins", "label_table", "labels", "last_change", "listing_key", "match_gene_list",
    "metrics", "model_card", "model_name", "neighbourhood", "novelty_words", "overview", "passing_genes", "perform",
    "prediction_report", "predictions_json", "predictions_table", "projection", "projection_job",
    "projection_parameters", "promote", "promotions", "provenance", "rank_gene_list", "rankings", "read_gene_sets",
    "read_ids", "read_listing", "read_upload", "releases", "reopen_study", "reopen_training", "request_parameters",
    "restore", "resumable", "rollback", "rollback_target", "rough_bytes", "run_report", "run_view", "runs",
    "sample_report", "save_filters", "saved_filters", "search_biosamples", "selection_words", "series_warnings",
    "set_curve", "similar_biosamples", "steps_done", "studies", "study", "study_parameters", "synthesize",
    "tested_biosamples", "to_clean", "to_csv", "to_parquet", "told_by", "trail", "undo_label_edits", "unit_of",
    "unlabelled", "unusually_high", "values_of", "with_samples", "worst", "write_predictions",
]  # fmt: skip
