"""The file of roles that ``ARCHSCOPE_ROLES`` names: who may do what, how sign-in goes, and how much each may take.

    ask = "Ada Lovelace, ada@lab.org"      # whom people without a role are told to ask
    default = "none"                       # role of everybody else who signs in: none or viewer

    [people]
    "ada@lab.org" = "admin"
    [domains]                              # everybody with an address there
    "lab.org" = "viewer"
    [sign_in]
    claim = "email"                        # of the identity token: what tells people apart
    unverified_email = false               # true: also where the provider does not say that it verified the address
    hours = 12                             # then one has to sign in again
    [quotas.trainer]                       # of a role, or of one person by id
    jobs = 2
    disk = "20 GB"
    upload = "500 MB"

The file is read again when it changes. A mistake in it closes the doors: nobody gets in until it is mended.
"""

import enum
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.access.quotas import Quota
from core.errors import RolesError
from core.settings import is_shared

ENVIRONMENT = "ARCHSCOPE_ROLES"
TABLES = ("people", "domains", "sign_in", "quotas")
SIGN_IN: dict[str, Any] = {"claim": str, "hours": (int, float), "unverified_email": bool}


class Role(enum.IntEnum):
    """What a person may do; each may do what the ones before it may."""

    VIEWER = 1
    TRAINER = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As it stands in the file."""
        return self.name.lower()


WORDS = {role.word: role for role in Role}


@dataclass(frozen=True)
class Roles:
    """What the file says. ``people`` and ``domains`` in lower case."""

    people: Mapping[str, Role | None] = field(default_factory=dict)
    domains: Mapping[str, Role | None] = field(default_factory=dict)
    default: Role | None = None
    ask: str = "whoever runs this server"
    claim: str = "email"
    unverified_email: bool = False
    hours: float = 12.0
    quotas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, person: str) -> Role | None:
        """The role of a person: by id, else by the domain of the address, else the default; None for none."""
        known = person.strip().lower()
        if known in self.people:
            return self.people[known]
        domain = known.rpartition("@")[2] if "@" in known else ""
        return self.domains.get(domain, self.default)

    def quota(self, person: str, role: Role | None) -> Quota:
        """The limits of a person: the role's, with those of the person over them."""
        quota = Quota()
        for key in (role.word if role else "", person.strip().lower()):
            quota = quota.with_values(dict(self.quotas.get(key, {})))
        return quota


_known: dict[Path, tuple[tuple[int, int, int], Roles]] = {}


def roles_on() -> bool:
    """Whether this installation tells people apart."""
    return is_shared()


def roles() -> Roles:
    """What the file says now; nothing at all where there is none. Raises RolesError."""
    return read_roles(Path(os.environ[ENVIRONMENT])) if roles_on() else Roles()


def read_roles(path: Path) -> Roles:
    """The content of a file of roles, read again only where it changed.

    Raises RolesError, which names file, key and remedy.
    """
    try:
        found = path.stat()
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        known = _known.get(path)
        if known is None or known[0] != stamp:
            known = _known[path] = (stamp, _parsed(path, tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RolesError(
            f"The file of roles {path} ({ENVIRONMENT}) cannot be read ({error}): mend it; until then nobody gets in."
        ) from error
    return known[1]


def _parsed(path: Path, content: dict[str, Any]) -> Roles:
    for key in content:
        if key not in ("ask", "default", *TABLES):
            raise _wrong(path, key, f"is not known: use ask, default, or one of the tables {', '.join(TABLES)}")
    tables = {name: _table(path, name, content.get(name, {})) for name in TABLES}
    ask = content.get("ask", Roles.ask)
    if not isinstance(ask, str):
        raise _wrong(path, "ask", "is no text: name whom to ask")
    default = _role(path, "default", content.get("default", "none"))
    if default not in (None, Role.VIEWER):
        raise _wrong(path, "default", 'would let strangers change data: use "none" or "viewer"')
    people = {who.strip().lower(): _role(path, f"people.{who}", word) for who, word in tables["people"].items()}
    domains = {_domain(path, at): _role(path, f"domains.{at}", word) for at, word in tables["domains"].items()}
    sign_in = _sign_in(path, tables["sign_in"])
    return Roles(people, domains, default, ask, quotas=_quotas(path, tables["quotas"]), **sign_in)


def _table(path: Path, name: str, content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise _wrong(path, name, f"is no table: write [{name}]")
    return content


def _role(path: Path, key: str, word: Any) -> Role | None:
    if word != "none" and word not in WORDS:
        raise _wrong(path, key, f"= {word!r} is no role: use {', '.join(WORDS)} or none")
    return WORDS.get(word)


def _domain(path: Path, at: str) -> str:
    if "@" in at or "*" in at or "." not in at:
        raise _wrong(path, f"domains.{at}", 'is no domain: write the part after the @, as in "lab.org"')
    return at.strip().lower()


def _sign_in(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    for key, value in content.items():
        if key not in SIGN_IN:
            raise _wrong(path, f"sign_in.{key}", f"is not known: use {', '.join(SIGN_IN)}")
        if not isinstance(value, SIGN_IN[key]) or (isinstance(value, bool) and key != "unverified_email"):
            raise _wrong(path, f"sign_in.{key}", f"= {value!r} cannot be: see docs/sign-in.md")
    if content.get("hours", 1) <= 0:
        raise _wrong(path, "sign_in.hours", "is not over 0: say how long a sign-in lasts")
    return content


def _quotas(path: Path, content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {}
    for who, values in content.items():
        if who not in WORDS and "@" not in who and not isinstance(values, dict):
            raise _wrong(path, f"quotas.{who}", 'is no table: write [quotas.trainer], or [quotas."a@lab.org"]')
        try:
            Quota().with_values(_table(path, f"quotas.{who}", values))
        except ValueError as error:
            raise _wrong(path, f"quotas.{who}", f"is wrong: {error}") from error
        found[who.strip().lower()] = values
    return found


def _wrong(path: Path, key: str, what: str) -> RolesError:
    return RolesError(f"{path}: {key} {what}. Until that is mended nobody gets in.")
