"""The person who acts, and whether they may: set for a while by ``acting_as``, or found by the app when it is asked.

The app cannot say who acts once and for all, because Streamlit runs callbacks and fragments apart from the page; so it
gives a function (``resolve_with``) that is asked at the moment of every act. Where roles are on and nobody is known,
nothing is allowed.
"""

import contextlib
import getpass
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from core.access.roles import Role, roles, roles_on
from core.errors import AccessError

SYSTEM = "system:"  # begins the id of a user of the operating system; nobody who signs in gets such an id
PLAIN = re.compile(r"[^\s`<>()\[\]{}!*\\\"'$]{1,254}")  # an id: nothing that means something where it is shown
SKEW = 300.0  # seconds that the clocks of the provider and of this machine may differ


@dataclass(frozen=True)
class Person:
    """Somebody who acts. ``id`` is what tells people apart (an address); ``role`` is None where they have none."""

    id: str
    name: str
    role: Role | None


LOCAL = Person("local", "local user", Role.ADMIN)
_acting: ContextVar[Person | None] = ContextVar("acting", default=None)
_resolver: Callable[[], Person | None] | None = None


@contextlib.contextmanager
def acting_as(person: Person) -> Iterator[Person]:
    """In the block, this person acts, whoever else is known."""
    token = _acting.set(person)
    try:
        yield person
    finally:
        _acting.reset(token)


def resolve_with(function: Callable[[], Person | None]) -> None:
    """From now on ``function`` is asked who acts, wherever no ``acting_as`` says so; None for nobody."""
    global _resolver
    _resolver = function


def current() -> Person | None:
    """Who acts: as ``acting_as`` says, else the local person, else whom the app knows. Raises RolesError."""
    said = _acting.get()
    if said is not None:
        return said
    if not roles_on():
        return LOCAL
    return _resolver() if _resolver else None


def owner_id() -> str:
    """Id of who acts, for what they make; "" for nobody."""
    person = current()
    return person.id if person else ""


def may(role: Role) -> bool:
    """Whether who acts has the role, or a higher one. Raises RolesError."""
    person = current()
    return person is not None and fits(person, role)


def fits(person: Person, role: Role) -> bool:
    """Whether a person has the role, or a higher one."""
    return person.role is not None and person.role >= role


def require(role: Role, what: str) -> Person:
    """Who acts, where they have the role; ``what`` it is for begins the message. Raises AccessError, RolesError."""
    person = current()
    if person is None:
        raise AccessError(f"{what} is for people who are signed in: sign in first.")
    if not fits(person, role):
        theirs = person.role.word if person.role else "no role"
        raise AccessError(f"{what} needs the role {role.word}; {person.id} has {theirs}. Ask {roles().ask} for it.")
    return person


def operator() -> Person:
    """Who runs a command: the user of the operating system; an admin, as the data folder is open to them anyway."""
    if not roles_on():
        return LOCAL
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        name = "unknown"
    return Person(f"{SYSTEM}{name}", name, Role.ADMIN)


def owner_of(recipe: Mapping[str, Any]) -> Person:
    """Who a run works for: its owner, with what a run needs. Whether they might start it was asked when it was."""
    owner = str(recipe.get("owner") or LOCAL.id)
    return Person(owner, owner, Role.TRAINER)


def signed_in(claims: Mapping[str, Any]) -> Person:
    """The person whom an identity token is about, with the role that the file gives.

    Raises AccessError where it does not say who that is, the address is not verified, or the sign-in is too old.
    """
    rules = roles()
    said = claims.get(rules.claim)
    person = said.strip().lower() if isinstance(said, str) else ""
    if not PLAIN.fullmatch(person) or person.startswith(SYSTEM) or person == LOCAL.id:
        raise AccessError(f"The sign-in does not say who you are (no usable {rules.claim!r}): ask {rules.ask}.")
    if rules.claim == "email" and not rules.unverified_email and claims.get("email_verified") is not True:
        raise AccessError(f"The address {person} was not verified where you signed in: do that, or ask {rules.ask}.")
    age = time.time() - float(claims.get("iat") or 0)
    if not -SKEW <= age <= rules.hours * 3600:
        raise AccessError(f"A sign-in lasts {rules.hours:g} hours, and yours is older: sign in again.")
    return Person(person, str(claims.get("name") or person), rules.of(person))
