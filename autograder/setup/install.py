"""`course setup`: puts jars and Spark configuration in place. Running it again repairs what is not right."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.paths import ROOT, SAMPLES, STATE
from autograder.setup import doctor
from autograder.setup.errors import SetupError, from_os_error
from autograder.setup.jars import fetch_jars
from autograder.setup.spark_configuration import (
    configuration_folder,
    prepare_environment,
    settings_from_environment,
    write_configuration,
)


@dataclass(frozen=True)
class InstallReport:
    """What set-up found and did. `changed` is false when everything was right already."""

    jars: int
    fetched: int
    configuration: Path
    configuration_changed: bool

    @property
    def changed(self) -> bool:
        """Whether this run changed anything."""
        return bool(self.fetched) or self.configuration_changed

    def lines(self) -> list[str]:
        """What to print."""
        if not self.changed:
            return [f"Set-up is complete: {self.jars} jars and Spark's configuration are in place."]
        return [
            f"{self.jars} jars verified, {self.fetched} of them fetched.",
            f"Spark's configuration is in {self.configuration}.",
            "Set-up is complete. `course lab` opens JupyterLab, `course doctor` checks this machine.",
        ]


def install(
    root: Path = ROOT,
    state: Path = STATE,
    samples: Path = SAMPLES,
    show_progress: bool = True,
    services: Sequence[str] = (),
) -> InstallReport:
    """Fetches the jars, renders Spark's configuration, looks at the sample data. Raises SetupError with the remedy.

    `services` are groups of `jars.lock` that are fetched too, such as "kafka".
    """
    before = os.environ.get("SPARK_CONF_DIR")
    groups = [fetch_jars(group, root, state, show_progress) for group in ("notebooks", *services)]
    try:
        settings = settings_from_environment(root, state)
    except ValueError as error:
        raise SetupError(str(error)) from error
    folder = configuration_folder(settings)
    try:
        changed = write_configuration(folder, settings)
        (state / "warehouse").mkdir(exist_ok=True)
    except OSError as error:
        raise from_os_error(error, folder) from error
    if before and Path(before).parent == state:
        prepare_environment(root, state)
    sample_data = doctor.check_samples(samples)
    if sample_data.blocks:
        raise SetupError(f"{sample_data.message} {sample_data.remedy}")
    found = sum(len(group.paths) for group in groups)
    fetched = sum(len(group.fetched) for group in groups)
    return InstallReport(found, fetched, folder, changed)
