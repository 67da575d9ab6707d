"""Every target by name."""

from tests.fuzz import annotations, counts_files, gene_lists, kept_files, label_files, pages, uploads
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (uploads, counts_files, annotations, label_files, gene_lists, kept_files, pages)
    for target in module.TARGETS
}
