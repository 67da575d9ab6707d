"""What ARCHScope keeps or ships and reads again: lists of remote files, records, catalogues of releases, addresses."""

import json
import random
from pathlib import Path

import pandas as pd
from hypothesis import strategies as st

from core.sources import gencode_releases, releases
from core.sources.remote_address import checked_address, file_name
from core.sources.remote_http import RemoteFacts
from core.sources.remote_records import read_record
from core.store.remote_cache import Listing, RemoteCache, content_key, digest
from core.store.saved_filters import SavedFilters
from tests.fuzz import mutate
from tests.fuzz.target import Target

ADDRESS = "https://example.org/human_gene_v2.5.h5"
CATALOGUE = (
    b'[[release]]\nid = "human-gene-2.5"\norganism = "human"\nlevel = "gene"\nversion = "2.5"\n'
    b'address = "https://example.org/a_v2.5.h5"\nbytes = 5\nsha1 = "' + b"a" * 40 + b'"\ndate = "2024-01-02"\n'
    b'mirrors = ["https://example.net/a_v2.5.h5"]\n\n'
    b'[[release]]\nid = "m"\norganism = "mouse"\nlevel = "gene"\nversion = "2"\n'
    b'address = "https://example.org/m.h5"\n'
)
GENCODE = (
    b'[[release]]\nrelease = "47"\norganism = "human"\nassembly = "GRCh38"\nensembl = 113\ndate = "2024-10"\n'
    b'address = "https://example.org/gencode.v47.gtf.gz"\n'
)
_URLS = [ADDRESS, "s3://bucket/folder/a.h5", "http://[::1]:80/a", "ftp://x/a", "file:///etc/passwd",
    "https://user:pw@x/a", "https://x:99999/a",
         "https://x:0/a", "https:///a", "//x/a", "HTTPS://X/A%2F..%2F", "https://x/latest.h5", "https://[/",
         "https://x/\u202e.h5", "https://\u0131/a",
         "javascript:alert(1)", "https://x/" + "a" * 5000, "https://x/%00", "s3://../..", "s3://b",
         "https://x/a\nHost: y", "human-gene-2.5", "", " "]  # fmt: skip


def read_listing(data: bytes, folder: Path) -> None:
    """A kept list of a remote file of which one part is what it is not; ``data``: the part's number, its content."""
    facts = RemoteFacts(**_FACTS)
    cache = RemoteCache(folder)
    table = pd.DataFrame({"symbol": ["A"], "sample_id": ["GSM1"]}).astype("str")
    cache.put(Listing(ADDRESS, facts, {"version": "2.5", "organism": "human"}, table, table))
    inside = folder / digest(ADDRESS) / content_key(facts)
    part = [
        inside / "about.json",
        inside / "genes.parquet",
        inside / "biosamples.parquet",
        inside.parent / "latest.json",
    ]
    part[data[0] % 4 if data else 0].write_bytes(data[1:])
    for asked in (None, facts):
        found = cache.get(ADDRESS, asked)
        assert found is None or (isinstance(found.genes, pd.DataFrame) and isinstance(found.about, dict)), "no list"
    latest = cache.latest(ADDRESS)
    assert latest is None or isinstance(latest, str)


def read_kept(data: bytes, folder: Path) -> None:
    """Records and saved filters."""
    path = folder / "demo.json"
    path.write_bytes(data)
    record = read_record(path)
    assert record is None or isinstance(record, dict)
    assert all(isinstance(values, dict) for values in SavedFilters(folder, "demo").all().values())


def read_catalogue(data: bytes, folder: Path) -> None:
    path = folder / "releases.toml"
    path.write_bytes(data)
    for release in releases.read_releases(path):
        assert release.words and checked_address(release.address) == release.address
        assert releases.resolve(release.id, path)[1] == release


def read_gencode(data: bytes, folder: Path) -> None:
    path = folder / "gencode.toml"
    path.write_bytes(data)
    table = gencode_releases.read_releases(path)
    assert list(table.columns)[:3] == ["release", "organism", "assembly"] and len(table)


def read_address(data: bytes, folder: Path) -> None:
    text = data.decode("utf-8", "replace")
    address = checked_address(text)
    assert address.startswith(("http://", "https://")) and "\n" not in address and " " not in address, "an odd address"
    name = file_name(address)
    assert name and "/" not in name and name not in (".", "..") and "\0" not in name, (
        f"the name {name!r} leads elsewhere"
    )
    assert len(name.encode()) <= 255, "a name that no folder holds"
    releases.resolve(text)


_FACTS = {}


def _facts() -> None:
    """Some value for each field of RemoteFacts, whatever they are."""
    import dataclasses

    for one in dataclasses.fields(RemoteFacts):
        _FACTS[one.name] = 5 if one.type in (int, "int") else "x"


_facts()


def make_listing(rng: random.Random) -> bytes:
    number = rng.randrange(4)
    if number in (1, 2):
        import io

        with io.BytesIO() as out:
            frame = rng.choice([pd.DataFrame({"symbol": ["A", "B"]}), pd.DataFrame({"x": [1.5]}), pd.DataFrame()])
            frame.to_parquet(out)
            content = mutate.by_bytes(rng, out.getvalue())
    else:
        content = _json(
            rng, {"version": "2.5", "facts": _FACTS, "content": rng.choice(["x", "../..", 5, None, "a\0b"])}
        )
    return bytes([number]) + content


def make_kept(rng: random.Random) -> bytes:
    return _json(rng, {"mine": {"sort": "signal", "descending": True}, "b": {"symbols": ["A", 5, None]}})


def _json(rng: random.Random, value: object) -> bytes:
    value = rng.choice([value, value, value, [], 5, "x", None, {"a": [value]}, {"a": 5}, {"a": ["bc"]}, {"facts": 5}])
    data = json.dumps(value, indent=1).encode()
    if rng.random() < 0.05:
        data = b"[" * rng.choice([100, 100_000]) + data
    return mutate.text(rng, data) if rng.random() < 0.7 else data


def make_catalogue(rng: random.Random) -> bytes:
    return _toml(rng, CATALOGUE)


def make_gencode(rng: random.Random) -> bytes:
    return _toml(rng, GENCODE)


def _toml(rng: random.Random, data: bytes) -> bytes:
    if rng.random() < 0.6:
        lines = data.split(b"\n")
        at = rng.randrange(len(lines))
        key = lines[at].split(b" = ")[0] or b"x"
        lines[at] = key + b" = " + rng.choice([b"5", b"-1", b"nan", b"[]", b"{}", b"true", b"[1, 2]", b'""',
        b'"latest"', b"2024-01-02", b"1e400",
                                               b'"\\u0000"', b'"../a"', b"'''x\ny'''", b"9" * 5000, b"[" * 2000,
                                               b'["https://x/a", 5]'])  # fmt: skip
        return b"\n".join(lines)
    return mutate.text(rng, data)


def make_address(rng: random.Random) -> bytes:
    text = rng.choice(_URLS)
    if rng.random() < 0.6:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(mutate.CELLS) + text[at:]
    return text.encode("utf-8", "replace")


def address_grammar() -> st.SearchStrategy[bytes]:
    parts = st.sampled_from(
        [
            "http",
            "https",
            "s3",
            "://",
            ":",
            "/",
            "..",
            "@",
            "[",
            "]",
            "%00",
            "%2e",
            "?",
            "#",
            "a",
            ".h5",
            "\u2488",
            "\uff0f",
            "80",
            " ",
        ]
    )
    return st.one_of(st.lists(parts, max_size=9).map("".join), st.text(max_size=40).map("https://".__add__)).map(
        lambda text: text.encode("utf-8", "replace")
    )


TARGETS = [
    Target("kept lists of remote files", make_listing, read_listing, 0.4),
    Target("records and saved filters (JSON)", make_kept, read_kept, 0.5, pure=True),
    Target("catalogue of ARCHS4 releases (TOML)", make_catalogue, read_catalogue, 0.8, pure=True),
    Target("catalogue of GENCODE releases (TOML)", make_gencode, read_gencode, 0.5, pure=True),
    Target("addresses of files on servers", make_address, read_address, 0.8, strategy=address_grammar, pure=True),
]
