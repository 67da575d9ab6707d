"""The file of roles: what it may say, what each person is by it, and what is said of mistakes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core import access
from core.access import Person, Quota, Role
from core.errors import AccessError, RolesError

Writer = Callable[[str], Path]
FULL = """
ask = "Ada"
default = "viewer"
[people]
"Ada@Lab.org" = "admin"
"former@lab.org" = "none"
[domains]
"LAB.org" = "trainer"
[sign_in]
claim = "email"
hours = 1.5
unverified_email = true
[quotas.trainer]
jobs = 2
disk = "20 GB"
[quotas."tom@lab.org"]
disk = "1.5 TiB"
upload = "unlimited"
[quotas.viewer]
upload = "500 MB"
"""


def test_who_has_which_role(write_roles: Writer) -> None:
    roles = access.read_roles(write_roles(FULL))
    people = {
        "ada@lab.org": Role.ADMIN, " ADA@LAB.ORG ": Role.ADMIN, "new@lab.org": Role.TRAINER, "former@lab.org": None,
        "x@sub.lab.org": Role.VIEWER, "x@lab.org.evil.org": Role.VIEWER, "lab.org": Role.VIEWER,
        "a@lab.org@else.org": Role.VIEWER,
    }  # fmt: skip
    assert {who: roles.of(who) for who in people} == people
    assert (roles.ask, roles.hours, roles.unverified_email) == ("Ada", 1.5, True)


def test_without_a_default_strangers_have_no_role(write_roles: Writer) -> None:
    assert access.read_roles(write_roles('[domains]\n"lab.org" = "viewer"\n')).of("x@else.org") is None


def test_quotas_of_a_role_and_of_a_person_over_them(write_roles: Writer) -> None:
    roles = access.read_roles(write_roles(FULL))
    assert roles.quota("new@lab.org", Role.TRAINER) == Quota(2, 20 * 10**9, None)
    assert roles.quota("Tom@lab.org", Role.TRAINER) == Quota(2, int(1.5 * 2**40), None)
    assert roles.quota("v@lab.org", Role.VIEWER) == Quota(None, None, 500 * 10**6)
    assert roles.quota("ada@lab.org", Role.ADMIN) == Quota()


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("[people", "roles.toml", "mend it"),
        ('people = "ada"', "people", r"write \[people\]"),
        ('[people]\n"a@lab.org" = "root"', r"people\.a@lab\.org", "use viewer, trainer, admin or none"),
        ('[people]\n"a@lab.org" = 3', r"people\.a@lab\.org", "use viewer"),
        ('[domains]\n"@lab.org" = "viewer"', r"domains\.@lab\.org", "the part after the @"),
        ('[domains]\n"*" = "viewer"', "domains", "the part after the @"),
        ('default = "trainer"', "default", 'use "none" or "viewer"'),
        ('defaults = "viewer"', "defaults", "use ask, default"),
        ("ask = 3", "ask", "name whom to ask"),
        ("[sign_in]\nhours = 0", r"sign_in\.hours", "how long"),
        ('[sign_in]\nhours = "12"', r"sign_in\.hours", "sign-in.md"),
        ("[sign_in]\nhours = true", r"sign_in\.hours", "sign-in.md"),
        ('[sign_in]\nunverified_email = "no"', r"sign_in\.unverified_email", "sign-in.md"),
        ("[sign_in]\nclaims = 1", r"sign_in\.claims", "use claim"),
        ('[quotas.trainer]\ndisk = "much"', r"quotas\.trainer", "20 GB"),
        ("[quotas.trainer]\njobs = -1", r"quotas\.trainer", "whole number"),
        ("[quotas.trainer]\nram = 1", r"quotas\.trainer", "use jobs, disk, upload"),
        ("[quotas]\njobs = 2", r"quotas\.jobs", r"\[quotas\.trainer\]"),
    ],
)
def test_a_mistake_names_file_key_and_remedy_and_closes_the_doors(
    write_roles: Writer, text: str, key: str, remedy: str
) -> None:
    path = write_roles(text)
    with pytest.raises(RolesError, match=rf"(?s){path.name}.*{key}.*{remedy}|{path.name}.*{remedy}") as caught:
        access.roles()
    assert "nobody gets in" in str(caught.value)
    with pytest.raises(RolesError):
        access.signed_in({"email": "ada@lab.org", "email_verified": True})


def test_a_file_that_is_not_there_closes_the_doors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(access.ENVIRONMENT, str(tmp_path / "none.toml"))
    with pytest.raises(RolesError, match=r"none\.toml"):
        access.roles()


def test_the_file_is_read_again_when_it_changes(write_roles: Writer) -> None:
    path = write_roles('[people]\n"a@lab.org" = "viewer"\n')
    assert access.roles().of("a@lab.org") is Role.VIEWER
    path.write_text('[people]\n"a@lab.org" = "trainer"\n')
    assert access.roles().of("a@lab.org") is Role.TRAINER
    before, aside = path.stat().st_mtime_ns, path.with_suffix(".new")
    aside.write_text('[people]\n"a@lab.org" = "viewer"\n')
    os.utime(aside, ns=(before, before))
    aside.replace(path)  # another file with the same time
    assert access.roles().of("a@lab.org") is Role.VIEWER


def test_nobody_acts_where_roles_are_on_and_the_laptop_has_one_person(
    write_roles: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.access.people._resolver", None)
    assert access.current() == access.LOCAL
    assert access.require(Role.ADMIN, "All") == access.LOCAL
    write_roles('ask = "Ada"\n')
    assert access.current() is None
    assert not access.may(Role.VIEWER)
    with pytest.raises(AccessError, match="Looking is for people who are signed in"):
        access.require(Role.VIEWER, "Looking")
    with access.acting_as(Person("v@lab.org", "V", Role.VIEWER)):
        assert access.owner_id() == "v@lab.org"
        with pytest.raises(AccessError, match=r"Training needs the role trainer; v@lab.org has viewer. Ask Ada"):
            access.require(Role.TRAINER, "Training")
    assert access.current() is None


def test_the_command_line_acts_as_the_user_of_the_system(write_roles: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    write_roles("")
    monkeypatch.setenv("LOGNAME", "grace")
    assert access.operator() == Person("system:grace", "grace", Role.ADMIN)


@pytest.mark.parametrize(("size", "words"), [(0, "0 bytes"), (1500, "1.5 kB"), (2 * 10**10, "20 GB"), (3e12, "3 TB")])
def test_bytes_in_words(size: float, words: str) -> None:
    assert access.in_words(size) == words
