"""Who acts, and what they may do: viewers look, trainers build and train, admins delete.

Roles are on where ``ARCHSCOPE_ROLES`` names a file of roles (see ``core.access.roles``). Without it there is one local
person, who may do everything: the laptop. ``core.store.guard`` refuses, and records, where something would be changed.
"""

from core.access.people import (
    LOCAL,
    Person,
    acting_as,
    current,
    fits,
    may,
    operator,
    owner_id,
    owner_of,
    require,
    resolve_with,
    signed_in,
)
from core.access.quotas import Quota, in_words
from core.access.roles import ENVIRONMENT, Role, Roles, read_roles, roles, roles_on

__all__ = [
    "ENVIRONMENT", "LOCAL", "Person", "Quota", "Role", "Roles", "acting_as", "current", "fits", "in_words", "may",
    "operator", "owner_id", "owner_of", "read_roles", "require", "resolve_with", "roles", "roles_on", "signed_in",
]  # fmt: skip
