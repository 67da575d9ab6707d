"""What a deployment installs: locked by version and hash, with known licences; no file names a registry."""

import re
from functools import cache

import pytest

from core.settings import PROJECT
from scripts import licences

NAME = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)")


@cache
def locked(name: str) -> dict[str, list[tuple[str, int]]]:
    """Package to (version, number of hashes) of each of its lines."""
    found: dict[str, list[tuple[str, int]]] = {}
    entry = ""
    for line in (PROJECT / name).read_text().splitlines():
        if match := NAME.match(line):
            entry = match[1].lower()
            found.setdefault(entry, []).append((match[2], 0))
        elif line.strip().startswith("--hash=sha256:"):
            assert re.fullmatch(r"--hash=sha256:[0-9a-f]{64}( \\)?", line.strip()), line
            found[entry][-1] = (found[entry][-1][0], found[entry][-1][1] + 1)
        else:
            assert line.strip().startswith("#"), f"{name}: {line!r} is neither a package, a hash nor a comment"
    return found


def test_every_line_of_the_lock_has_a_hash() -> None:
    for name in ("requirements.lock", "requirements-torch.lock"):
        for package, lines in locked(name).items():
            assert all(hashes > 0 for _, hashes in lines), package
    assert len(locked("requirements.lock")) > 60


def test_the_lock_has_the_versions_that_are_required() -> None:
    required = dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", (PROJECT / "requirements.txt").read_text(), re.M))
    assert len(required) > 15
    for package, version in required.items():
        if package != "torch":
            assert {found for found, _ in locked("requirements.lock")[package.lower()]} == {version}, package
    assert {found.split("+")[0] for found, _ in locked("requirements-torch.lock")["torch"]} == {required["torch"]}
    assert list(locked("requirements-torch.lock")) == ["torch"]


def test_the_lock_is_closed() -> None:
    """Every package that a locked one needs is locked: pip would refuse the whole otherwise."""
    from importlib import metadata

    from packaging.requirements import Requirement

    everything = locked("requirements.lock") | locked("requirements-torch.lock")
    for package in licences.locked():
        try:
            needed = metadata.requires(package) or []
        except metadata.PackageNotFoundError:
            continue
        for text in needed:
            requirement = Requirement(text)
            on_linux = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
            asked = {"extra": "", "python_version": "3.11", "python_full_version": "3.11.7"} | on_linux
            gpu = package == "torch" and re.match("nvidia|cuda|triton", requirement.name)
            if not gpu and (requirement.marker is None or requirement.marker.evaluate(asked)):
                assert requirement.name.lower().replace("_", "-") in everything, f"{package} needs {requirement.name}"


def test_no_file_of_the_repository_names_a_registry_or_an_index() -> None:
    files = [*PROJECT.glob("requirements*"), *(PROJECT / "scripts").iterdir(), *(PROJECT / "deploy").iterdir()]
    for path in (path for path in files if path.is_file()):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(^|\s)--(extra-)?index-url\s+https?:|pypi\.org|pythonhosted|download\.pytorch", text), (
            path
        )


def test_the_table_of_licences_is_current() -> None:
    page = (PROJECT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w.-]+) \| (\S+) \| (.+?) \| (yes|) ?\|$", page, re.M)
    assert {name: version for name, version, _, _ in rows} == licences.locked(), "run python scripts/licences.py"
    for name, _, text, marked in rows:
        assert text != licences.UNKNOWN, name
        assert marked == ("yes" if licences.is_copyleft(text) else ""), name
        assert licences.licence_of(name) in (text, licences.UNKNOWN), f"{name} has another licence now"


@pytest.mark.parametrize(
    ("licence", "copyleft"),
    [
        ("MIT", False), ("BSD-3-Clause", False), ("GPL-3.0-or-later", True), ("LGPLv3", True), ("MPL-2.0", True),
        ("GNU General Public License v3", True), ("BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1", False),
        ("AGPL-3.0", True), ("Mozilla Public License 2.0 (MPL 2.0)", True), ("Apache-2.0 WITH LLVM-exception", False),
    ],
)  # fmt: skip
def test_copyleft_is_told_apart(licence: str, copyleft: bool) -> None:
    assert licences.is_copyleft(licence) is copyleft


def test_nothing_but_the_lock_is_installed_in_the_container() -> None:
    steps = re.sub(r"\\\n", " ", (PROJECT / "deploy" / "Containerfile").read_text())
    installs = [line for line in steps.splitlines() if "pip install" in line]
    assert installs
    for part in (part for line in installs for part in line.split("&&") if "pip install" in part):
        assert "--require-hashes" in part, part
        assert re.search(r"-r \S+\.lock", part), part
