"""The archive format: what comes out is what went in, and nothing of a damaged or malicious archive gets through."""

import gzip
import hashlib
import io
import json
import os
import random
import tarfile

import pytest

from core.errors import InputError, StoreError
from core.store import backup
from core.store.staging import hold, is_held, member, staging


@pytest.fixture
def made(tmp_path):
    """A few files, and the archive of them."""
    folder = tmp_path / "in"
    content = {"datasets/a/manifest.json": b"{}", "datasets/a/counts/000000.tiles": random.Random(1).randbytes(300_000)}
    content["gene_sets/Hallmark é (v1).gmt"] = b"A\tB\tC\n"
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    members = [member(name, folder / name) for name in content]
    out = tmp_path / "b.tar"
    backup.write_archive(out, {"version": "x", "datasets": []}, members)
    return out, content, members


def read_back(path, tmp_path):
    into = tmp_path / "out"
    into.mkdir()
    about = backup.unpack(path, into)
    return about, {str(p.relative_to(into)): p.read_bytes() for p in into.rglob("*") if p.is_file()}


def crafted(path, entries):
    """An archive of (TarInfo or name, content) with right checksums for the ordinary files."""
    about = json.dumps({"format": 1}).encode()
    sums = {backup.ABOUT: about}
    with tarfile.open(path, "w") as tar:
        for what, data in [(backup.ABOUT, about), *entries]:
            entry = tarfile.TarInfo(what) if isinstance(what, str) else what
            entry.size = len(data) if entry.isreg() else 0
            sums[entry.name] = data
            tar.addfile(entry, io.BytesIO(data))
        text = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sums.items()).encode()
        last = tarfile.TarInfo(backup.SUMS)
        last.size = len(text)
        tar.addfile(last, io.BytesIO(text))
    return path


def test_what_comes_out_is_what_went_in(made, tmp_path):
    out, content, _ = made
    about, found = read_back(out, tmp_path)
    assert found == content
    assert about == {"format": 1, "version": "x", "datasets": []}


def test_the_checksums_in_it_are_those_of_sha256sum_and_come_last(made):
    out, content, _ = made
    with tarfile.open(out) as tar:
        names = tar.getnames()
        listed = tar.extractfile(backup.SUMS).read().decode().splitlines()
    assert names[0] == backup.ABOUT
    assert names[-1] == backup.SUMS
    told = dict(reversed(line.split("  ", 1)) for line in listed)
    assert {name: told[name] for name in content} == {n: hashlib.sha256(d).hexdigest() for n, d in content.items()}


def test_a_gz_archive_is_the_same_compressed(made, tmp_path):
    _, content, members = made
    out = tmp_path / "c.tar.gz"
    backup.write_archive(out, {}, members)
    assert gzip.decompress(out.read_bytes()).startswith(b"archscope-backup")
    assert read_back(out, tmp_path)[1] == content


def test_any_changed_byte_of_a_file_is_noticed(made, tmp_path):
    out, _, _ = made
    whole = out.read_bytes()
    at = whole.index(random.Random(1).randbytes(64))  # in the tiles
    out.write_bytes(whole[: at + 1000] + bytes([whole[at + 1000] ^ 1]) + whole[at + 1001 :])
    with pytest.raises(InputError, match=r"000000\.tiles is damaged"):
        backup.unpack(out, None)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.97, 0.99])
def test_an_archive_that_was_cut_short_is_refused(made, share):
    out, _, _ = made
    with tarfile.open(out) as tar:
        end = tar.getmember(backup.SUMS).offset_data + 10
    out.write_bytes(out.read_bytes()[: int(end * share)])
    with pytest.raises(InputError, match="no whole backup"):
        backup.unpack(out, None)


def test_an_archive_without_its_last_member_is_refused(made):
    out, _, _ = made
    with tarfile.open(out) as tar:
        end = tar.getmember(backup.SUMS).offset
    out.write_bytes(out.read_bytes()[:end] + bytes(10240))  # a tar that ends as tars do
    with pytest.raises(InputError, match="cut short"):
        backup.unpack(out, None)


def test_a_file_that_is_no_archive_is_refused_in_words(tmp_path):
    other = tmp_path / "x.tar"
    other.write_text("hello " * 1000)
    with pytest.raises(InputError, match="no whole backup"):
        backup.unpack(other, None)
    with tarfile.open(tmp_path / "y.tar", "w") as tar:
        tar.add(other, "x")
    with pytest.raises(InputError, match="does not begin with"):
        backup.unpack(tmp_path / "y.tar", None)
    with pytest.raises(InputError, match="There is no file"):
        backup.unpack(tmp_path / "z.tar", None)


def test_a_newer_format_is_refused(made, tmp_path, monkeypatch):
    _, _, members = made
    monkeypatch.setattr(backup, "FORMAT", 9)
    with pytest.raises(StoreError, match="newer ARCHScope"):
        monkeypatch.setattr(backup, "unpack", lambda *a, **k: None)
        backup.write_archive(tmp_path / "n.tar", {"version": "9"}, members)
        monkeypatch.undo()
        backup.unpack(tmp_path / "n.tar", None)


def link(name, kind, target):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


BAD = {
    "a way up": ("../evil", "plain name"),
    "a way up inside": ("datasets/a/../../../evil", "plain name"),
    "an absolute name": ("/tmp/evil", "plain name"),
    "a hidden name": ("runs/.deleted/x", "plain name"),
    "a backslash": ("runs\\..\\evil", "plain name"),
    "a line break": ("runs/a\nb", "plain name"),
    "a symbolic link": (link("runs/a", tarfile.SYMTYPE, "/etc/passwd"), "no ordinary file"),
    "a hard link": (link("runs/a", tarfile.LNKTYPE, backup.ABOUT), "no ordinary file"),
    "a device": (link("runs/a", tarfile.CHRTYPE, ""), "no ordinary file"),
    "a pipe": (link("runs/a", tarfile.FIFOTYPE, ""), "no ordinary file"),
    "a folder": (link("runs/a", tarfile.DIRTYPE, ""), "no ordinary file"),
}


@pytest.mark.parametrize("what", BAD)
def test_nothing_but_ordinary_files_below_the_folder_comes_out(tmp_path, what):
    entry, why = BAD[what]
    archive = crafted(tmp_path / "bad.tar", [(entry, b"evil")])
    into = tmp_path / "into" / "deep"
    into.mkdir(parents=True)
    with pytest.raises(InputError, match=why):
        backup.unpack(archive, into)
    assert [path for path in tmp_path.rglob("*") if path.name not in ("bad.tar", "into", "deep")] == []


def test_a_name_twice_and_a_file_after_the_checksums_are_refused(tmp_path):
    twice = crafted(tmp_path / "twice.tar", [("runs/a", b"1"), ("runs/a", b"2")])
    with pytest.raises(InputError, match="twice"):
        backup.unpack(twice, None)
    late = crafted(tmp_path / "late.tar", [("runs/a", b"1")])
    with tarfile.open(late, "a") as tar:
        tar.addfile(tarfile.TarInfo("runs/b"))
    with pytest.raises(InputError, match="goes on after"):
        backup.unpack(late, None)


def test_a_file_that_changes_meanwhile_ends_the_backup_and_leaves_nothing(made, tmp_path):
    _, _, members = made
    members[0].path.write_bytes(b"{ }")
    out = tmp_path / "d.tar"
    with pytest.raises(StoreError, match=r"manifest\.json changed"):
        backup.write_archive(out, {}, members)
    assert not list(tmp_path.glob("*d.tar*"))


def test_a_disk_that_is_too_small_is_noticed_before_anything_is_written(made, tmp_path, monkeypatch):
    _, _, members = made
    full = type("Usage", (), {"free": 1000})()
    monkeypatch.setattr("core.sources.remote_download.shutil.disk_usage", lambda folder: full)
    with pytest.raises(InputError, match="are needed"):
        backup.write_archive(tmp_path / "d.tar", {}, members)
    assert not list(tmp_path.glob("*d.tar*"))


def test_an_archive_is_never_written_over_and_has_a_name_that_tells(made, tmp_path):
    out, _, _ = made
    with pytest.raises(InputError, match="there already"):
        backup.checked_out(out, "x")
    with pytest.raises(InputError, match=r"\.tar"):
        backup.checked_out(tmp_path / "b.zip", "x")
    with pytest.raises(InputError, match="no folder"):
        backup.checked_out(tmp_path / "none" / "b.tar", "x")
    assert backup.checked_out(tmp_path, "archscope-1") == tmp_path / "archscope-1.tar"


def test_what_is_held_stays_as_it_was_when_the_file_is_replaced_or_deleted(tmp_path):
    source, lines = tmp_path / "tiles", tmp_path / "audit.jsonl"
    source.write_bytes(b"old")
    lines.write_bytes(b'{"a":1}\n{"b":')
    with staging(tmp_path, "backup") as folder:
        kept = [hold("x/tiles", source, folder), hold("audit.jsonl", lines, folder)]
        aside = tmp_path / "aside"
        aside.write_bytes(b"newer")
        aside.replace(source)
        lines.unlink()
        assert [each.path.read_bytes() for each in kept] == [b"old", b'{"a":1}\n']
        assert kept[0].path.stat().st_nlink == 1  # the same file, no copy
        assert is_held(folder)
    assert not (tmp_path / ".backup").exists()


def test_a_leftover_of_a_dead_process_is_told_from_a_folder_in_use(tmp_path):
    with staging(tmp_path, "backup") as folder:
        copy = tmp_path / ".backup" / "left"
        copy.mkdir()
        (copy / ".lock").touch()
        assert (is_held(folder), is_held(copy)) == (True, False)
    empty = tmp_path / ".backup" / "begun"
    empty.mkdir(parents=True)
    assert is_held(empty)  # its lock comes in a moment
    os.utime(empty, (1, 1))
    assert not is_held(empty)
