"""environment.yml, the locks, the jars and binder/ describe one environment."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from autograder.paths import ROOT
from autograder.setup import java
from autograder.setup.doctor import PYTHON, locked_versions
from autograder.setup.jars_lock import read_lock
from tests.setup.conftest import Run

LEARNERS = ROOT / "requirements.lock"
DEVELOPERS = ROOT / "requirements-dev.lock"


def conda(path: Path) -> tuple[dict[str, str], list[str]]:
    """(conda package → version, pip's lines) of an environment.yml."""
    dependencies = yaml.safe_load(path.read_text())["dependencies"]
    packages = dict(entry.partition("=")[::2] for entry in dependencies if isinstance(entry, str))
    (pip,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    return packages, pip


@pytest.mark.parametrize("name", ["environment.yml", "binder/environment.yml"])
def test_conda_brings_the_python_and_java_of_the_course_and_pip_the_lock(name: str) -> None:
    packages, pip = conda(ROOT / name)
    assert packages == {"python": ".".join(map(str, PYTHON)), "openjdk": str(java.MINIMUM), "pip": ""}
    ((flag, lock),) = [line.split() for line in pip]
    assert flag == "-r"
    assert ((ROOT / name).parent / lock).resolve() == LEARNERS


def test_the_two_environments_differ_in_the_way_to_the_lock_only() -> None:
    top, binder = (yaml.safe_load((ROOT / name).read_text()) for name in ("environment.yml", "binder/environment.yml"))
    top["dependencies"][-1] = binder["dependencies"][-1] = None
    assert top == binder


@pytest.mark.parametrize(("source", "lock"), [("requirements.in", LEARNERS), ("requirements-dev.in", DEVELOPERS)])
def test_each_lock_satisfies_what_it_was_made_from(source: str, lock: Path) -> None:
    locked = locked_versions(lock)
    lines = [line.partition("#")[0].strip() for line in (ROOT / source).read_text().splitlines()]
    requirements = [Requirement(line) for line in lines if line and not line.startswith("-")]
    assert len(requirements) > 5
    for requirement in requirements:
        assert locked[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_developers_have_what_learners_have() -> None:
    learners, developers = locked_versions(LEARNERS), locked_versions(DEVELOPERS)
    assert learners.items() <= developers.items()


@pytest.mark.parametrize("lock", [LEARNERS, DEVELOPERS, ROOT / "autograder/setup/installer.lock"])
def test_every_locked_package_has_a_hash_and_no_lock_names_a_host(lock: Path) -> None:
    text = lock.read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry.partition("\n")[0])
    assert "://" not in text


def test_the_jars_are_those_of_the_installed_packages() -> None:
    jars = {
        jar.coordinates.split(":")[1]: jar.coordinates.split(":")[2]
        for jar in read_lock(ROOT / "jars.lock")["notebooks"]
    }
    assert jars["spark-sql-kafka-0-10_2.13"] == jars["spark-avro_2.13"] == version("pyspark")
    spark = ".".join(version("pyspark").split(".")[:2])
    assert jars[f"delta-spark_{spark}_2.13"] == jars["delta-storage"] == version("delta-spark")


def test_the_python_of_the_project_is_the_locked_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == ">=3.11,<3.12"
    assert project["tool"]["ruff"]["target-version"] == "py311"
    assert "--python-version 3.11" in LEARNERS.read_text()


def test_repo2docker_would_build_this_environment(run: Run) -> None:
    arguments = ("--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan", ".")
    answer = run(Path(sys.executable).parent / "jupyter-repo2docker", *arguments)
    assert answer.returncode == 0, answer.stderr
    dockerfile = answer.stdout + answer.stderr
    # repo2docker escapes file names in the build context: environment.py-3.11 is the base environment it chose.
    assert re.search(r"environment-2epy-2d3-2e11", dockerfile)
    copy, update = dockerfile.index("COPY --chown=1000:1000 src/"), dockerfile.index('--file "binder/environment.yml"')
    build = dockerfile.index("RUN ./binder/postBuild")
    assert copy < update < build, "the lock must be in the image before conda reads it, and packages before postBuild"
    assert 'R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in dockerfile


def test_binder_builds_and_starts_with_its_own_profile() -> None:
    for name in ("postBuild", "start"):
        script = ROOT / "binder" / name
        assert script.stat().st_mode & 0o111, f"{name} is not executable"
        assert "export COURSE_PROFILE=binder" in script.read_text()
    assert 'exec "$@"' in (ROOT / "binder" / "start").read_text()
