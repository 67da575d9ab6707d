"""The catalogue of releases: the shipped one, and what is refused in others."""

from pathlib import Path

import pytest

from core.errors import InputError, NotFoundError
from core.sources.releases import read_releases, resolve

GOOD = """[[release]]
id = "human_gene_v9"
organism = "human"
level = "gene"
version = "9"
address = "https://server.org/human_gene_v9.h5"
"""


def test_the_shipped_catalogue_has_both_organisms_in_both_generations() -> None:
    found = {release.id: release for release in read_releases()}
    for organism in ("human", "mouse"):
        for version in ("1.11", "2.1.2", "2.2", "2.3", "2.4", "2.5", "2.6"):
            release = found[f"{organism}_gene_v{version}"]
            assert (release.organism, release.level, release.version) == (organism, "gene", version)
        assert found[f"{organism}_transcript_v2.2"].level == found[f"{organism}_transcript_v1.7"].level == "transcript"
    latest = found["human_gene_v2.5"]
    assert latest.bytes == 47_865_298_452 and latest.biosamples == 888_821 and len(latest.sha1) == 40
    assert not any("latest" in address for r in found.values() for address in (r.address, *r.mirrors))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[[release]]", "[[release"), "cannot be read"),
        (("[[release]]", "[[other]]"), "names no releases"),
        (('level = "gene"\n', ""), "release 1.*has no level"),
        (('version = "9"', 'version = "latest"'), "version is 'latest'"),
        (('"gene"', '"exon"'), "level one of"),
        (("https://server.org/human_gene_v9.h5", "https://server.org/human.latest.h5"), "no address of a pinned"),
        (("https://server.org/human_gene_v9.h5", "file:///etc/passwd"), "only addresses that begin"),
        (('version = "9"', 'version = "9"\nbytes = -4'), "bytes is -4"),
        (('version = "9"', 'version = "9"\nbytes = "big"'), "bytes is 'big'"),
        (('version = "9"', 'version = "9"\nsha1 = "abc"'), "sha1 is 'abc'"),
        (('version = "9"', 'version = "9"\ncolour = "red"'), "colour means nothing"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    path = tmp_path / "releases.toml"
    path.write_text(GOOD)
    assert [release.id for release in read_releases(path)] == ["human_gene_v9"]
    path.write_text(GOOD.replace(*change))
    with pytest.raises(InputError, match=words):
        read_releases(path)


def test_an_id_stands_once(tmp_path: Path) -> None:
    path = tmp_path / "releases.toml"
    path.write_text(GOOD + GOOD)
    with pytest.raises(InputError, match="human_gene_v9 stands there more than once"):
        read_releases(path)


def test_ids_addresses_and_mirrors_lead_to_their_release() -> None:
    address, release = resolve("human_gene_v2.5")
    assert release is not None and address == release.address
    assert resolve(address) == (address, release)
    mirror = resolve("s3://mssm-data/human_gene_v2.3.h5")
    assert mirror[1] is not None and mirror[1].id == "human_gene_v2.3" and "mssm-data" in mirror[0]
    assert resolve("http://127.0.0.1:8000/own.h5") == ("http://127.0.0.1:8000/own.h5", None)
    with pytest.raises(NotFoundError, match=r"no release 'human_gene_v7'.*python -m core releases"):
        resolve("human_gene_v7")
    with pytest.raises(InputError, match="'latest' is replaced by every release"):
        resolve("https://s3.dev.maayanlab.cloud/archs4/files/human_gene_v2.latest.h5")
