"""What is kept of remote files: their lists of genes and biosamples, and the parts of slices that are under way.

remote/<address>/latest.json                     which content was read last
remote/<address>/<content>/genes.parquet         and biosamples.parquet; about.json last
remote/lists/<content>.txt                       ids that a choice starts from, one a line
downloads/.parts/<slice>/00003.part              counts of some biosamples: a digest, then what it is of
"""

import hashlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pandas as pd

from core.errors import StoreError
from core.sources.remote_http import RemoteFacts
from core.store.files import read_json, write_json, write_parquet
from core.types import CountMatrix

_CODEC = numcodecs.Blosc("zstd", clevel=1, shuffle=numcodecs.Blosc.SHUFFLE)
_DIGEST = 16


@dataclass(frozen=True)
class Listing:
    """The metadata of a remote file of one content.

    ``about``: version, organism, simulated, layout; seconds and bytes that reading took. ``genes`` and ``biosamples``
    as ``Archs4File`` delivers them.
    """

    address: str
    facts: RemoteFacts
    about: Mapping[str, Any]
    genes: pd.DataFrame
    biosamples: pd.DataFrame

    @property
    def level(self) -> str:
        """What is counted: "gene" or "transcript"."""
        return str(self.about.get("level", "gene"))  # lists of earlier versions are of genes

    @property
    def key(self) -> str:
        """Of the address and the content."""
        return f"{digest(self.address)}-{content_key(self.facts)}"


class RemoteCache:
    """Lists of remote files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, address: str, facts: RemoteFacts | None = None) -> Listing | None:
        """What was read of an address: of this content, or last; None where there is none, or it is damaged."""
        folder = self._folder / digest(address)
        try:
            name = content_key(facts) if facts else self.latest(address) or "none"
            about = read_json(folder / name / "about.json")
            tables = [pd.read_parquet(folder / name / f"{table}.parquet") for table in ("genes", "biosamples")]
            return Listing(address, RemoteFacts(**about.pop("facts")), about, *tables)
        except (StoreError, OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # read anew from the server: nothing is lost

    def latest(self, address: str) -> str | None:
        """Key of the content that was read last of an address; None where there is none. Cheap."""
        try:
            return str(read_json(self._folder / digest(address) / "latest.json")["content"])
        except (StoreError, KeyError, TypeError):
            return None

    def put(self, listing: Listing) -> None:
        """Keeps a list."""
        folder = self._folder / digest(listing.address)
        inside = folder / content_key(listing.facts)
        inside.mkdir(parents=True, exist_ok=True)
        write_parquet(inside / "genes.parquet", listing.genes)
        write_parquet(inside / "biosamples.parquet", listing.biosamples)
        write_json(inside / "about.json", {**listing.about, "facts": asdict(listing.facts)})
        write_json(folder / "latest.json", {"address": listing.address, "content": inside.name})


class IdLists:
    """Lists of biosample ids below a folder, each by a name that its content gives it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "lists"

    def keep(self, ids: Sequence[str]) -> str:
        """Keeps a list; its name."""
        text = "\n".join(ids)
        name = digest(text)
        self._folder.mkdir(parents=True, exist_ok=True)
        aside = self._folder / f".{name}.{os.getpid()}"
        aside.write_text(text, encoding="utf-8")
        aside.replace(self._folder / f"{name}.txt")
        return name

    def get(self, name: str) -> tuple[str, ...] | None:
        """A list; None where there is none of that name."""
        if not re.fullmatch(r"[0-9a-f]{16}", name):
            return None
        try:
            return tuple((self._folder / f"{name}.txt").read_text(encoding="utf-8").split("\n"))
        except OSError:
            return None


class Parts:
    """Counts of a slice that is under way, some biosamples a part; what is damaged counts as not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, number: int, counts: CountMatrix) -> None:
        """Keeps a part (m x G, uint32), written aside and renamed."""
        body = bytes(_CODEC.encode(np.ascontiguousarray(counts)))
        aside = self._path(number).with_suffix(".new")
        aside.write_bytes(hashlib.blake2b(body, digest_size=_DIGEST).digest() + body)
        aside.replace(self._path(number))

    def load(self, number: int, shape: tuple[int, int]) -> CountMatrix | None:
        """A part; None where it is not there, or not whole."""
        try:
            raw = self._path(number).read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.blake2b(raw[_DIGEST:], digest_size=_DIGEST).digest() != raw[:_DIGEST]:
            return None
        values = np.frombuffer(_CODEC.decode(raw[_DIGEST:]), dtype=np.uint32)
        return values.reshape(shape) if values.size == shape[0] * shape[1] else None

    def drop(self) -> None:
        """Deletes every part."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:05d}.part"


def digest(text: str) -> str:
    """16 hex digits of a text."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def content_key(facts: RemoteFacts) -> str:
    """16 hex digits of what tells a file's content apart."""
    return digest(f"{facts.size} {facts.etag or facts.modified}")
