"""Sign-in and roles as the pages show them; what is signed in is given to the session as Streamlit would."""

import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.access import ENVIRONMENT
from core.settings import PROJECT
from core.store.audit import AuditLog
from core.store.workspace import Workspace
from tests.pages.opening import errors

ROLES = """
ask = "Ada, ada@lab.org"
[people]
"ada@lab.org" = "admin"
"tom@lab.org" = "trainer"
[domains]
"lab.org" = "viewer"
"""
PAGES = ["overview", "rankings", "gene", "neighbourhood", "samples", "classify", "train", "synthetic", "data"]
Opener = Callable[..., AppTest]


def claims(who: str, **more: Any) -> dict[str, Any]:
    """What Streamlit knows of somebody who signed in a minute ago."""
    known = {"is_logged_in": True, "email": who, "email_verified": True, "name": who.partition("@")[0].title()}
    return known | {"iat": int(time.time()) - 60} | more


@pytest.fixture
def roles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "roles.toml"
    path.write_text(ROLES)
    monkeypatch.setenv(ENVIRONMENT, str(path))
    return path


@pytest.fixture
def open_as(page_root: Path, roles: Path) -> Opener:
    """Opens a page of a shared server as somebody, or as nobody."""
    st.cache_data.clear()
    st.cache_resource.clear()
    (page_root / "audit.jsonl").unlink(missing_ok=True)

    def open_at(name: str, who: str | None = None, more: dict[str, Any] | None = None, **params: str) -> AppTest:
        page = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).switch_page(f"pages/{name}.py")
        page.user = claims(who, **(more or {})) if who else {"is_logged_in": False}
        page.secrets["auth"] = {"redirect_uri": "http://x/oauth2callback", "cookie_secret": "x" * 32, "client_id": "x"}
        for key, value in params.items():
            page.query_params[key] = value
        return page.run()

    return open_at


def text(page: AppTest) -> str:
    """Everything that a page says, its sidebar, too."""
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "info",
        "warning",
        "error",
        "text",
        "button",
        "dataframe",
    )
    return "\n".join(str(getattr(each, "value", "")) + str(getattr(each, "label", ""))
                     for kind in kinds for each in page.get(kind))  # fmt: skip


def keys(page: AppTest) -> set[str]:
    return {str(button.key) for button in page.button}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_says_anything_to_somebody_who_is_not_signed_in(open_as: Opener, name: str) -> None:
    page = open_as(name, dataset="demo", gene="GFAP")
    assert [title.value for title in page.title] == ["ARCHScope"]
    assert "Sign in to see" in text(page)
    assert keys(page) == {"sign_in_"}
    assert "demo" not in text(page)
    assert len(page.dataframe) == 0
    assert not page.exception


@pytest.mark.parametrize("who", ["sam@else.org", "ada@lab.org.evil.org", "lab.org"])
def test_whoever_has_no_role_is_told_whom_to_ask(open_as: Opener, who: str) -> None:
    page = open_as("data", who)
    assert f"You are signed in as **{who}**, who has no role here. Ask Ada, ada@lab.org." in text(page)
    assert keys(page) == {"sign_out"}
    assert len(page.dataframe) == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"email_verified": False}, "is not verified|was not verified"),
        ({"email_verified": "true"}, "was not verified"),
        ({"email": ""}, "does not say who you are"),
        ({"email": "system:root"}, "does not say who you are"),
        ({"email": "local"}, "does not say who you are"),
        ({"email": " LOCAL "}, "does not say who you are"),
        ({"email": "![x](http://x)@lab.org"}, "does not say who you are"),
        ({"email": ["ada@lab.org"]}, "does not say who you are"),
        ({"iat": time.time() - 13 * 3600}, "A sign-in lasts 12 hours"),
        ({"iat": None}, "A sign-in lasts 12 hours"),
        ({"iat": time.time() + 3600}, "A sign-in lasts 12 hours"),
    ],
)
def test_a_token_that_says_too_little_lets_nobody_in(open_as: Opener, more: dict[str, Any], words: str) -> None:
    page = open_as("data", "ada@lab.org", more)
    assert any(word in text(page) for word in words.split("|"))
    assert "sign_out" in keys(page)
    assert len(page.dataframe) == 0


@pytest.mark.parametrize("flag", ["yes", "True", 1, None])
def test_only_a_session_that_streamlit_signed_in_counts(open_as: Opener, flag: object) -> None:
    page = open_as("data", "ada@lab.org", {"is_logged_in": flag})
    assert keys(page) == {"sign_in_"}


def test_a_damaged_file_of_roles_lets_nobody_in(open_as: Opener, roles: Path) -> None:
    roles.write_text('[people]\n"ada@lab.org" = "root"\n')
    page = open_as("data", "ada@lab.org")
    assert "nobody can be let in" in text(page)
    assert str(roles) not in text(page)  # that is for the log
    assert len(page.dataframe) == 0


def test_a_role_that_is_taken_away_counts_at_the_next_click(open_as: Opener, roles: Path) -> None:
    page = open_as("data", "tom@lab.org")
    assert "Tom" in text(page)
    roles.write_text('[people]\n"ada@lab.org" = "admin"\n')
    page.run()
    assert "who has no role here" in text(page)
    assert len(page.dataframe) == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_viewer_sees_every_page_without_an_error(open_as: Opener, name: str) -> None:
    page = open_as(name, "vera@lab.org", dataset="demo", gene="GFAP")
    assert not page.exception
    assert errors(page) == []
    assert "vera@lab.org · viewer" in text(page)
    assert "sign_out" in keys(page)


def test_who_may_what_on_the_data_and_train_pages(open_as: Opener, page_root: Path) -> None:
    spare = next(run.id for run in Workspace(page_root).runs.all("demo", "classifier"))
    for who, builds, deletes in (
        ("vera@lab.org", False, False),
        ("tom@lab.org", True, False),
        ("ada@lab.org", True, True),
    ):
        data, train = open_as("data", who), open_as("train", who, classifier_runs=spare)
        assert (
            "Build a dataset needs the role trainer" in text(data) or "needs the role trainer" in text(data)
        ) != builds
        assert any(button.label == "Build" for button in data.button) == builds
        assert any(button.label == "Start training" for button in train.button) == builds
        assert any(str(key).startswith("label_") for key in keys(data)) == builds
        assert any(str(key).startswith("delete_") for key in keys(train)) == deletes


def test_a_viewers_click_on_a_button_from_earlier_is_refused_before_the_page_runs(
    open_as: Opener, roles: Path, page_root: Path
) -> None:
    """The callback of a button runs before app.py does; the role is gone by then."""
    train = open_as("train", "tom@lab.org", dataset="demo")
    roll_back = next(button for button in train.button if str(button.key) == "rollback_classifier")
    assert roll_back
    roles.write_text('ask = "Ada"\n[domains]\n"lab.org" = "viewer"\n')
    before = {path: path.read_bytes() for path in page_root.rglob("*.json")}
    train.session_state["rollback_pressed"] = True
    start = next(button for button in train.button if button.label == "Start training")
    start.click().run()
    assert {path: path.read_bytes() for path in page_root.rglob("*.json")} == before
    assert not train.exception


def test_signing_out_ends_the_session(open_as: Opener) -> None:
    page = open_as("data", "tom@lab.org")
    page.session_state["mine"] = 1
    page.button("sign_out").click().run()
    assert "mine" not in page.session_state
    assert keys(page) == {"sign_in_"}
    assert len(page.dataframe) == 0


def test_without_a_file_of_roles_nobody_is_asked(page_root: Path, open_page: Opener) -> None:
    page = open_page("data")
    assert not {"sign_out", "sign_in_"} & keys(page)
    assert any(button.label == "Build" for button in page.button)


def test_a_server_without_secrets_says_that_sign_in_is_not_set_up(open_as: Opener, roles: Path) -> None:
    page = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    assert "Sign-in is not set up" in text(page)
    assert not page.exception


def test_a_refusal_is_in_the_audit_log(open_as: Opener, page_root: Path) -> None:
    open_as("data", "vera@lab.org")
    assert AuditLog(page_root).read().empty  # looking is no attempt


def test_only_admins_of_a_shared_server_read_the_audit_log(
    open_as: Opener, page_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(250):
        AuditLog(page_root).add(action="build", person="tom@lab.org", run=f"r{number}", outcome="allowed")
    assert not any(label.startswith("Audit log") for label in expanders(open_as("data", "tom@lab.org")))
    page = open_as("data", "ada@lab.org")
    assert "Audit log (250)" in expanders(page)
    shown = next(table.value for table in page.dataframe if "outcome" in table.value)
    assert shown["run"].tolist() == [f"r{number}" for number in range(249, 49, -1)]
    monkeypatch.delenv(ENVIRONMENT)
    assert not any(label.startswith("Audit log") for label in expanders(open_as("data", "ada@lab.org")))


def expanders(page: AppTest) -> list[str]:
    return [str(each.label) for each in page.expander]


def test_an_upload_over_the_quota_is_one_error_and_is_not_kept(open_as: Opener, roles: Path, page_root: Path) -> None:
    roles.write_text(ROLES + '[quotas.viewer]\nupload = "1 kB"\n')
    content = (page_root / "demo" / "example_brain.csv").read_bytes()
    page = open_as("classify", "vera@lab.org", dataset="demo")
    page.main.file_uploader[0].set_value(("mine.csv", content, "text/csv"))
    page.run()
    assert len(errors(page)) == 1
    assert "of 1 kB of this session are used" in errors(page)[0]
    assert "upload" not in page.query_params
    assert page.session_state["uploads"].size == 0
    page = open_as("classify", "tom@lab.org", dataset="demo")
    page.main.file_uploader[0].set_value(("mine.csv", content, "text/csv"))
    assert errors(page.run()) == []


def test_the_app_listens_to_this_machine_alone_unless_it_is_told_otherwise() -> None:
    with (PROJECT / ".streamlit" / "config.toml").open("rb") as file:
        server = tomllib.load(file)["server"]
    assert server["address"] == "127.0.0.1"
    assert not server.get("enableAgentApi")
    assert not server.get("trustedUserHeaders")
    assert server.get("enableCORS", True) and server.get("enableXsrfProtection", True)
