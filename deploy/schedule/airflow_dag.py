"""An Airflow DAG that keeps a data set up to date. Copy it to the folder of your DAGs; put in your suite and folder.

`townlet` has to be installed where the task runs. Once, by hand: the first version, and its
golden metrics:

    townlet regenerate nightly --output /srv/townlet/nightly
    townlet golden nightly --output /srv/townlet/nightly --golden /srv/townlet/nightly_golden.json

A task that is killed, or in which some runs fail, is retried and continues from where it was. Drift and wrong usage
are not retried: somebody has to look. The current version stays current.
"""

from __future__ import annotations

import shlex
import subprocess
from datetime import UTC, datetime, timedelta

try:  # Airflow 3
    from airflow.sdk import dag, task
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task
    from airflow.exceptions import AirflowException, AirflowFailException

# `nightly`: a suite file of yours, or the name of a shipped one.
COMMAND = (
    "townlet regenerate nightly --output /srv/townlet/nightly "
    "--golden /srv/townlet/nightly_golden.json --keep 7 --workers 0 --quiet"
)
# Exit codes that a retry does not change.
WHY_NOT = {2: "wrong usage or config", 3: "the metrics drifted from the golden file"}


@dag(
    schedule="30 2 * * *",
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["townlet"],
)
def townlet_regenerate():
    @task(retries=3, retry_delay=timedelta(minutes=5), execution_timeout=timedelta(hours=6))
    def regenerate() -> None:
        code = subprocess.run(shlex.split(COMMAND), check=False).returncode
        if code in WHY_NOT:
            raise AirflowFailException(f"{WHY_NOT[code]}; the current version stays current")
        if code:
            raise AirflowException(f"townlet ended with exit code {code}; the next try continues from there")

    regenerate()


townlet_regenerate()
