"""Who takes part: each person has a dataset, genes, words and a cart of their own, and a file like no other."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from core.store.datasets import StoredDataset
from core.store.workspace import Workspace
from pages.ui.widgets import gene_ids

FILE_GENES = 400  # genes of an uploaded file, at least; each person's has a number of its own


@dataclass
class Person:
    """One user. ``cart``: biosamples put into cart A; ``genes`` gives genes that nobody else was given before."""

    number: int
    dataset: str
    genes: Iterator[str]
    words: list[str]
    random: random.Random
    gene: str = ""
    cart: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """A name that no other person's has in it."""
        return f"person-{self.number:03d}"

    @property
    def seed(self) -> int:
        """What tells this person's trainings from others."""
        return 7000 + self.number

    def next_gene(self) -> str:
        """The gene that this person looks at from now on."""
        self.gene = next(self.genes)
        return self.gene

    @property
    def n_genes(self) -> int:
        """Genes of this person's file."""
        return FILE_GENES + self.number % 500


@dataclass(frozen=True)
class Cast:
    """Makes persons for the datasets of a data folder."""

    datasets: dict[str, StoredDataset]
    genes: dict[str, Iterator[str]]

    def person(self, number: int) -> Person:
        """The person of that number; numbers take the datasets in turn."""
        names = sorted(self.datasets)
        name = names[number % len(names)]
        chosen = self.datasets[name]
        drawn = random.Random(number)
        words = drawn.sample(chosen.label_names, min(8, len(chosen.label_names)))
        return Person(number, name, self.genes[name], words, drawn)

    def file(self, person: Person) -> bytes:
        """A table of gene and count with one sample of the person's name: a labelled biosample, some of its genes."""
        dataset = self.datasets[person.dataset]
        row = person.number % len(dataset.biosamples)
        counts = pd.Series(dataset.counts([row])[0], dataset.genes["ensembl_gene_id"])
        kept = counts[dataset.genes["normalised"].to_numpy() & (counts.index != "")].iloc[: person.n_genes]
        return kept.rename_axis("gene").rename(person.name).to_csv().encode()


def cast_of(root: Workspace) -> Cast:
    """Everybody that a data folder has data for."""
    datasets = {dataset.name: dataset for dataset in root.datasets()}
    return Cast(datasets, {name: _shuffled(dataset) for name, dataset in datasets.items()})


def _shuffled(dataset: StoredDataset) -> Iterator[str]:
    names = gene_ids(dataset).tolist()
    random.Random(1).shuffle(names)
    return itertools.cycle(names)
