"""deploy/Containerfile and compose.yaml hold what the docs say of them. No image is built here: its steps are read."""

import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.settings import PROJECT

DEPLOY = PROJECT / "deploy"


def steps() -> list[tuple[str, str]]:
    """Instructions with their arguments, lines joined and comments left out."""
    text = "\n".join(
        line for line in (DEPLOY / "Containerfile").read_text().splitlines() if not line.lstrip().startswith("#")
    )
    lines = [line for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip()]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def of(instruction: str) -> list[str]:
    return [rest for name, rest in steps() if name == instruction]


def pinned(image: str) -> bool:
    """Whether an image has a tag that names a version."""
    return re.search(r":\d+\.\d+(\.\d+)?[\w.-]*$", image) is not None


def compose() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def test_every_instruction_is_one() -> None:
    known = {"FROM", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}
    assert {name for name, _ in steps()} <= known
    assert steps()[0][0] == "FROM"


def test_it_runs_as_a_user_without_rights_from_the_last_copy_on() -> None:
    names = [name for name, _ in steps()]
    assert re.fullmatch(r"[1-9]\d{3,}", of("USER")[-1])  # a number: also for those who check it without a passwd
    after = names[names.index("USER") :]
    assert not {"RUN", "COPY", "ADD"} & set(after)


def test_the_image_is_pinned_and_is_of_the_python_that_was_locked_for() -> None:
    assert pinned(of("FROM")[0])
    assert "latest" not in of("FROM")[0]
    version = re.search(r"python:(\d+\.\d+)", of("FROM")[0])
    assert version
    assert f"Python {version[1]} on x86_64" in (PROJECT / "requirements-torch.lock").read_text()


def test_its_health_is_asked_at_the_address_that_streamlit_has() -> None:
    (check,) = of("HEALTHCHECK")
    assert "/_stcore/health" in check
    command = json.loads(check[check.index("CMD") + 3 :])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "healthcheck", "exec")


def test_nothing_secret_goes_in() -> None:
    text = (DEPLOY / "Containerfile").read_text() + (DEPLOY / "compose.yaml").read_text()
    assert not re.search(r"(?i)(password|secret|token|api_?key|cookie)\w*\s*[=:]\s*\S", text)
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert not any(fnmatch.fnmatch(".streamlit/secrets.toml", line[1:]) for line in ignored if line.startswith("!"))
    assert "data/local" not in " ".join(of("COPY"))


def test_all_that_the_app_imports_and_reads_is_copied() -> None:
    """What is copied, in a folder of its own: the app's modules load from there, and the shipped tables are there."""
    copied = [part for rest in of("COPY") for part in rest.split()[:-1]]
    for pattern in copied:
        assert list(PROJECT.glob(pattern)), f"COPY {pattern} copies nothing"
        allowed = [line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
        assert pattern in allowed, f".dockerignore keeps {pattern} out"
    shipped = {path.name for path in (PROJECT / "data").iterdir() if path.suffix in (".tsv", ".toml")}
    assert {
        Path(path).name for pattern in copied for path in PROJECT.glob(pattern) if path.parent.name == "data"
    } == shipped


def test_the_copied_files_start_on_a_read_only_folder(tmp_path: Path) -> None:
    import shutil

    app = tmp_path / "app"
    app.mkdir()
    for rest in of("COPY"):
        *sources, target = rest.split()
        for source in (path for pattern in sources for path in PROJECT.glob(pattern)):
            place = app / target / ("" if source.is_dir() else source.name)
            if source.is_dir():
                shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.name == Path(target).name:
                (app / target).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, app / target)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place)
    for path in sorted(app.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    asked = "import pages.ui.state, core.workflows, core.jobs.worker; print(len(core.workflows.releases()))"
    environment = {"PATH": "/usr/bin:/bin", "ARCHSCOPE_DATA": str(tmp_path / "data"), "HOME": str(tmp_path),
                   "NUMBA_CACHE_DIR": str(tmp_path / "numba"), "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", asked], cwd=app, env=environment, capture_output=True, text=True)
    for path in app.rglob("*"):
        path.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 5


def test_the_composition_gives_away_as_little_as_it_can() -> None:
    services = compose()["services"]
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
        assert not any("docker.sock" in str(volume) for volume in service["volumes"])
    assert pinned(services["nginx"]["image"])
    app = services["archscope"]
    assert app["network_mode"] == "service:nginx"
    assert app["environment"]["STREAMLIT_SERVER_ADDRESS"] == "127.0.0.1"
    assert "ports" not in app
    names = set(re.findall(r"server_name ([\w.-]+\.\w+);", (DEPLOY / "nginx.conf").read_text()))
    assert {app["environment"]["STREAMLIT_SERVER_ALLOWED_HOSTS"]} == names
    assert any(str(volume).startswith("./nginx.conf:") for volume in services["nginx"]["volumes"])
    assert app["environment"]["ARCHSCOPE_FOLDERS"] == "/counts"
    assert any(str(volume).endswith(":/counts:ro") for volume in app["volumes"])
