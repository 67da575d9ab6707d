"""Who is here: sign-in with OpenID Connect where roles are on, and what is shown to whom.

The doors are in ``core.store.guard``; this module tells them who acts. They ask at the moment of the act, because
Streamlit runs the callback of a button before the page, and a fragment without it. On a laptop (no file of roles)
nothing of this shows.
"""

import logging
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.errors import Error as StreamlitError
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import access
from core.access import Person, Role
from core.errors import AccessError, RolesError
from core.store import guard
from core.store.runs import Run

log = logging.getLogger("archscope")
CLOSED = (
    "The file of roles cannot be used, so nobody can be let in. Whoever runs this server finds the reason in its log."
)
NOT_SET_UP = (
    "Sign-in is not set up: write the section [auth] of secrets.toml as `docs/sign-in.md` says, and start anew."
)
NOT_NOW = "Signing in did not begin. Whoever runs this server finds the reason in its log."


def _claims() -> Mapping[str, Any] | None:
    """What the identity token says of whoever is signed in to this session; None for nobody, and outside of one."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    found = st.user.to_dict()
    return found if found.get("is_logged_in") is True else None


def _here() -> Person | None:
    claims = _claims()
    try:
        return access.signed_in(claims) if claims else None
    except AccessError:  # the door says why
        return None


access.resolve_with(_here)


def may_enter() -> bool:
    """Whether whoever is here may see anything at all."""
    try:
        return access.may(Role.VIEWER)
    except RolesError:
        return False


def welcome(role: Role, what: str) -> bool:
    """Whether whoever is here has the role that ``what`` is for; where not, one line says so and whom to ask."""
    try:
        access.require(role, what)
    except AccessError as error:
        st.caption(f":material/lock: {error}")
        return False
    return True


def may_manage(run: Run) -> bool:
    """Whether whoever is here may stop a run, or go on with it."""
    return access.may(guard.role_for(run))


def show_door() -> None:
    """In place of every page, for whoever may not see one: sign-in, or why that is not enough."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        st.title("ARCHScope", anchor=False)
        try:
            _show_door(access.roles())
        except RolesError as error:
            log.error("%s", error)
            st.error(CLOSED, icon=":material/error:")
        if said := st.session_state.pop("sign_in_said", None):
            st.error(said, icon=":material/error:")


def _show_door(rules: access.Roles) -> None:
    claims = _claims()
    if claims is None:
        st.markdown("An exploration dashboard over ARCHS4. Sign in to see the datasets of this server.")
        _offer_sign_in()
        return
    try:
        person = access.signed_in(claims)
        st.info(f"You are signed in as **{person.id}**, who has no role here. Ask {rules.ask}.", icon=":material/lock:")
        st.caption("Once you have a role, load this page again.")
    except AccessError as error:
        st.info(str(error), icon=":material/lock:")
        _offer_sign_in("again")
    _sign_out_button()


def _offer_sign_in(more: str = "") -> None:
    providers = _providers()
    if not providers:
        st.warning(NOT_SET_UP, icon=":material/warning:")
        return
    for provider in providers:
        words = " ".join(
            ["Sign in", *([f"with {provider.capitalize()}"] if provider else []), *([more] if more else [])]
        )
        st.button(words, key=f"sign_in_{provider}", type="primary", icon=":material/login:", on_click=_sign_in,
                  args=(provider,))  # fmt: skip


def _providers() -> list[str]:
    """Names of the providers that secrets.toml has; "" for the one without a name; none where nothing is set up."""
    try:
        section = st.secrets["auth"]
    except (FileNotFoundError, KeyError):
        return []
    named = [str(name) for name, values in section.items() if isinstance(values, Mapping) and "client_id" in values]
    return [*([""] if "client_id" in section else []), *named]


def _sign_in(provider: str) -> None:
    try:
        st.login(provider or None)
    except StreamlitError:
        log.exception("Signing in did not begin")
        st.session_state["sign_in_said"] = NOT_NOW


def _sign_out() -> None:
    st.session_state.clear()  # with it go the uploads
    st.logout()


def _sign_out_button() -> None:
    st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=_sign_out)


def show_who() -> None:
    """In the sidebar: who is here, with which role, and the way out; nothing on a laptop."""
    if not access.roles_on():
        return
    person = access.require(Role.VIEWER, "This server")
    st.divider()
    st.text(f"{person.name}\n{person.id} · {person.role.word if person.role else ''}")  # as text: it comes from outside
    _sign_out_button()
