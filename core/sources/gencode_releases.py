"""The catalogue of GENCODE releases that the product ships: which annotation goes with which Ensembl version."""

import tomllib
from pathlib import Path

import pandas as pd

from core.settings import SHIPPED_DATA

RELEASES_FILE = SHIPPED_DATA / "gencode_releases.toml"
RELEASE_COLUMNS = ("release", "organism", "assembly", "ensembl", "date", "address")


def read_releases(path: Path = RELEASES_FILE) -> pd.DataFrame:
    """RELEASE_COLUMNS, newest first of each organism; ``date`` (year-month) is that of the Ensembl version."""
    with path.open("rb") as file:
        return pd.DataFrame(tomllib.load(file)["release"], columns=list(RELEASE_COLUMNS))
