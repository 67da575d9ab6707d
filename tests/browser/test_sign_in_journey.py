"""A shared server: real sign-in with a provider on this machine, and what viewers, trainers and admins may do."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from core.store.audit import AuditLog
from core.store.workspace import Workspace
from tests.browser.conftest import App, serve
from tests.browser.driving import body, follow, heading, keyed, settle
from tests.browser.openid import Provider, provide, secrets_file
from tests.serving import free_port

pytestmark = pytest.mark.browser
pytest.importorskip("authlib", reason="Authlib is not installed: pip install -r requirements.txt")
ROLES = """
ask = "Ada, ada@lab.org"
[people]
"ada@lab.org" = "admin"
"tom@lab.org" = "{tom}"
[domains]
"lab.org" = "viewer"
"""
ACCOUNTS = {
    "vera@lab.org": {}, "tom@lab.org": {}, "ada@lab.org": {}, "sam@else.org": {},
    "fake@lab.org": {"email_verified": False},
}  # fmt: skip


class Shared:
    """The app on a server that people sign in to."""

    def __init__(self, app: App, provider: Provider, roles: Path) -> None:
        self.app, self.provider, self.roles, self.workspace = app, provider, roles, Workspace(app.root)

    def give_tom(self, role: str) -> None:
        self.roles.write_text(ROLES.replace("{tom}", role))

    def sign_in(self, who: str, path: str = "") -> Page:
        """A browser session of one's own in which somebody signed in."""
        page = self.app.open(path)
        expect(body(page)).to_contain_text("Sign in to see the datasets")
        keyed(page, "sign_in_").get_by_role("button").click()
        page.get_by_role("link", name=who).click()
        page.wait_for_url(re.compile(re.escape(self.app.address)))
        settle(page)
        return page

    def log(self) -> pd.DataFrame:
        return AuditLog(self.app.root).read()


@pytest.fixture
def shared(demo_root: Path, tmp_path: Path, browser: Browser) -> Iterator[Shared]:
    root, roles, secrets = tmp_path / "data", tmp_path / "roles.toml", tmp_path / "secrets.toml"
    shutil.copytree(demo_root, root, ignore=shutil.ignore_patterns("audit.jsonl"))
    port = free_port()
    with provide(f"http://127.0.0.1:{port}/oauth2callback", ACCOUNTS) as provider:
        secrets.write_text(secrets_file(provider))
        roles.write_text(ROLES.replace("{tom}", "trainer"))
        settings = {"ARCHSCOPE_ROLES": str(roles)}
        with serve(root, browser, "--secrets.files", str(secrets), port=port, settings=settings) as app:
            app.hosts.add(provider.issuer.removeprefix("http://"))
            yield Shared(app, provider, roles)
            app.check()


def side(page: Page) -> "object":
    return page.get_by_test_id("stSidebar")


def test_nobody_sees_anything_without_signing_in(shared: Shared) -> None:
    for path in ("", "rankings?dataset=demo&gene=GFAP", "data", "classify?biosample=DEMO00001"):
        page = shared.app.open(path)
        expect(body(page)).to_contain_text("Sign in to see the datasets")
        expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
        expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
        expect(page.locator("body")).not_to_contain_text("demo")


def test_viewer_trainer_and_admin_may_what_their_role_says(shared: Shared) -> None:
    viewer = shared.sign_in("vera@lab.org")
    heading(viewer, "Overview")
    expect(side(viewer)).to_contain_text("vera@lab.org · viewer")
    follow(viewer, "Data")
    expect(body(viewer)).to_contain_text(
        "Building needs the role trainer; vera@lab.org has viewer. Ask Ada, ada@lab.org"
    )
    expect(body(viewer).get_by_role("button", name="Build", exact=True)).to_have_count(0)
    follow(viewer, "Train")
    expect(body(viewer).get_by_role("button", name="Start training")).to_have_count(0)
    expect(body(viewer).get_by_role("button", name="Delete", exact=True)).to_have_count(0)
    assert shared.log().empty

    trainer = shared.sign_in("tom@lab.org")
    follow(trainer, "Train")
    body(trainer).get_by_role("button", name="Start training").first.click()
    expect(side(trainer)).to_contain_text("Classifier", timeout=60_000)
    expect(body(trainer).get_by_role("button", name="Delete", exact=True)).to_have_count(0)
    started = shared.log()
    assert started[["person", "role", "action", "kind", "outcome"]].to_numpy().tolist() == [
        ["tom@lab.org", "trainer", "start", "classifier", "allowed"]
    ]
    run = shared.workspace.runs.get(started["run"][0])
    assert run.owner == "tom@lab.org"

    expect(side(viewer)).to_contain_text("Classifier", timeout=60_000)  # a viewer sees the job, and cannot stop it
    expect(viewer.get_by_role("button", name="Cancel")).to_have_count(0)
    admin = shared.sign_in("ada@lab.org")
    follow(admin, "Train")
    expect(side(admin)).to_contain_text("ada@lab.org · admin")
    keyed(admin, f"tray-cancel-{run.id}").get_by_role("button").click()
    expect(side(admin)).to_contain_text("cancelled", timeout=60_000)
    expect(body(admin).get_by_role("button", name="Delete", exact=True).first).to_be_attached()
    assert shared.log()[["person", "action", "run"]].iloc[0].tolist() == ["ada@lab.org", "cancel", run.id]


def test_a_page_that_was_open_when_the_role_went_is_refused(shared: Shared) -> None:
    """The button is still in the browser: its click reaches the workflow, which says no."""
    page = shared.sign_in("tom@lab.org")
    follow(page, "Train")
    runs = {run.id for run in shared.workspace.runs.all()}
    other = shared.sign_in("tom@lab.org")
    follow(other, "Rankings")
    settle(other)
    other.get_by_text("Saved filters").first.click()
    other.get_by_label("Save the present filters as").fill("mine")
    shared.give_tom("viewer")
    keyed(other, "saved_save").get_by_role("button").click()
    settle(other)
    assert not (shared.app.root / "filters").exists()
    body(page).get_by_role("button", name="Start training").first.click()
    settle(page)
    expect(body(page)).to_contain_text("needs the role trainer")
    assert {run.id for run in shared.workspace.runs.all()} == runs
    log = shared.log()
    assert set(log["outcome"]) == {"refused"}
    assert "save filters" in log["action"].tolist()
    assert set(log["role"]) == {"viewer"}
    shared.give_tom("none")
    follow_or_reload(page)
    expect(body(page)).to_contain_text("who has no role here. Ask Ada, ada@lab.org.")


def follow_or_reload(page: Page) -> None:
    page.reload()
    settle(page)


def test_strangers_and_unverified_addresses_stay_outside(shared: Shared) -> None:
    page = shared.sign_in("sam@else.org")
    expect(body(page)).to_contain_text("You are signed in as sam@else.org, who has no role here. Ask Ada, ada@lab.org.")
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    page = shared.sign_in("fake@lab.org")
    expect(body(page)).to_contain_text("The address fake@lab.org was not verified where you signed in")
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)


def test_signing_out_closes_the_door_and_another_may_sign_in(shared: Shared) -> None:
    page = shared.sign_in("tom@lab.org")
    heading(page, "Overview")
    with page.expect_request(f"{shared.provider.issuer}/logout*"):  # signed out there, too
        page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{shared.app.address}/")
    settle(page)
    expect(body(page)).to_contain_text("Sign in to see the datasets")
    page.goto(f"{shared.app.address}/data")
    settle(page)
    expect(body(page)).to_contain_text("Sign in to see the datasets")
    keyed(page, "sign_in_").get_by_role("button").click()
    page.get_by_role("link", name="vera@lab.org").click()
    page.wait_for_url(re.compile(re.escape(shared.app.address)))
    settle(page)
    expect(side(page)).to_contain_text("vera@lab.org · viewer")


def test_a_forged_cookie_lets_nobody_in(shared: Shared) -> None:
    page = shared.app.open()
    claims = '{"is_logged_in": true, "email": "ada@lab.org", "email_verified": true, "iat": 4000000000}'
    page.context.add_cookies(
        [
            {"name": "_streamlit_user", "value": value, "url": shared.app.address}
            for value in [f"{claims.encode().hex()}.x"]
        ]
    )
    page.reload()
    settle(page)
    expect(body(page)).to_contain_text("Sign in to see the datasets")
