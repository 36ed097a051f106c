"""imagemill every night: wait for the day's images, process them in a Dataproc batch, check the rows, open the gate.

For Managed Service for Apache Airflow (Composer) or any Airflow from 2.11 with the Google provider. To install:

1. `imagemill bundle --upload --config nightly.yaml --json` puts the code into the control bucket and prints driver,
   archive and properties; copy nightly.yaml beside them.
2. Put these into imagemill_variable.json, which lies beside this file, and the rest of your own; `airflow variables
   import` it. SETTINGS below says what each key is.
3. Put this file into the DAG folder and unpause `imagemill_nightly`.

Airflow's account needs roles/dataproc.editor and roles/bigquery.jobUser on the project, roles/iam.serviceAccountUser on
the account that the batch runs as, roles/storage.objectViewer on the sources and on Dataproc's staging bucket (where
batches log), and roles/bigquery.dataViewer on the dataset.

The run date is the logical date, so a backfill takes each date's own images. Every step may be repeated: imagemill
continues a run, and says so when it is finished. docs/schedules.md has the commands, and how to read failures.
"""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import logging
import re
import urllib.request
from datetime import date, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    Asset,
    BaseHook,
    Context,
    Param,
    Variable,
    dag,
    task,
    task_group,
)
from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook
from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.providers.google.cloud.operators.dataproc import DataprocCreateBatchOperator
from airflow.providers.google.cloud.sensors.gcs import GCSObjectsWithPrefixExistenceSensor
from airflow.timetables.interval import CronDataIntervalTimetable
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

SCHEDULE = "15 2 * * *"  # UTC; works on the day before, which is the run's logical date
WAIT_AT_MOST = timedelta(hours=6)
RETRIES = 3  # the delay is Airflow's default_task_retry_delay, five minutes
LOG_TAIL_BYTES = 16_384

URI, TEXT = r"gs://[^/]+/?.*", r".*"
# The Variable's keys: the form of the value (a regular expression, in a list or an object; a range), the default (None: the
# key is required), the meaning.
SETTINGS: dict[str, tuple[Any, Any, str]] = {
    "project": (r"\S+", None, "the project of the Dataproc batch"),
    "region": (r"[a-z]+-[a-z]+\d", None, "the region of the Dataproc batch, such as europe-west4"),
    "driver": (URI, None, "the gs:// URI of driver.py, as `imagemill bundle --upload` prints it"),
    "archive": (URI, None, "the gs:// URI of the runtime archive, as it prints it, too"),
    "properties": ({"": TEXT}, None, "the Spark properties that `imagemill bundle --upload` prints, an object of strings"),
    "config": (URI, None, "the gs:// URI of the YAML configuration"),
    "warehouse": (r"bigquery://[^/]+/\w+", None, "bigquery://project/dataset, as in the configuration"),
    "sources": ([URI], None, "a list of gs:// URLs, each a run of its own; they may contain {run_date}"),
    "wait_for": (r"(gs://|\{source\}).*", "{source}/", "how a name begins when the night's objects are there; gs://… or {source}…"),
    "flags": ([TEXT], [], "a list of more flags for `imagemill run`"),
    "runtime_version": (r"\d+\.\d+", "2.3", "the Dataproc runtime, as a string"),
    "service_account": (TEXT, "", "the account that the batch runs as; empty: the project's default"),
    "subnetwork": (TEXT, "", "a subnetwork with private Google access; empty: the default network's"),
    "ttl_hours": (range(1, 337), 12, "hours after which the batch is ended, from 1 to 336"),
    "alert_connection": (TEXT, "", "an Airflow connection whose password is a webhook's URL (Google Chat, Slack); empty: log only"),
}

# imagemill's exit codes that the same command meets again: usage, gate closed, precondition (docs/operations.md).
NO_USE_TO_RETRY = (2, 3, 4)

CHECK_SQL = """
SELECT r.run_id, r.objects, r.ok, r.skipped, r.quarantined, COUNT(i.run_id) AS row_count,
  COUNTIF(i.outcome = 'ok') AS row_ok, COUNTIF(i.outcome = 'skipped') AS row_skipped,
  COUNTIF(i.outcome = 'quarantined') AS row_quarantined
FROM `{dataset}.runs` AS r
LEFT JOIN `{dataset}.images` AS i ON i.run_id = r.run_id AND i.run_date = @run_date
WHERE r.run_date = @run_date AND r.source = @source
GROUP BY r.run_id, r.objects, r.ok, r.skipped, r.quarantined
"""

log = logging.getLogger(__name__)


def read_settings(text: str | None) -> dict[str, Any]:
    """The Variable's JSON with defaults filled in; raises ValueError that names every key that is wrong."""
    if text is None:
        raise ValueError('there is no Airflow Variable "imagemill": make it as the top of this DAG file shows')
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'the Airflow Variable "imagemill" is not JSON: {error}') from error
    if not isinstance(given, dict):
        raise ValueError('the Airflow Variable "imagemill" must be a JSON object')
    problems = [unknown(key) for key in given if key not in SETTINGS]
    settings = {key: given.get(key, default) for key, (_, default, _) in SETTINGS.items()}
    for key, (form, default, meaning) in SETTINGS.items():
        if settings[key] is None:
            problems.append(f'key "{key}" is missing: {meaning}')
        elif not fits(form, settings[key]) or (default is None and not settings[key]):
            problems.append(f'key "{key}" must be {meaning}, not {json.dumps(settings[key])}')
    if problems:
        raise ValueError('Airflow Variable "imagemill": ' + "; ".join(problems))
    return settings


def unknown(key: str) -> str:
    near = difflib.get_close_matches(key, SETTINGS, n=1)
    return f'key "{key}" is unknown' + (f', did you mean "{near[0]}"?' if near else "")


def fits(form: Any, value: Any) -> bool:
    if isinstance(form, str):
        return isinstance(value, str) and re.fullmatch(form, value) is not None
    if isinstance(form, list):
        return isinstance(value, list) and all(fits(form[0], item) for item in value)
    if isinstance(form, dict):
        return isinstance(value, dict) and all(fits(form[""], item) for item in value.values())
    return type(value) is int and value in form


def night_of(settings: dict[str, Any], source: str, run_date: str, flags: list[str], dag_run_id: str) -> dict[str, Any]:
    """What one source's task group is given: the same on every try, so that a retry finds its batch again."""
    expanded = source.rstrip("/").replace("{run_date}", run_date)
    wait_for = settings["wait_for"].replace("{source}", expanded).replace("{run_date}", run_date)
    bucket, _, prefix = wait_for.removeprefix("gs://").partition("/")
    digest = hashlib.sha256(json.dumps([source, flags, dag_run_id]).encode()).hexdigest()[:8]
    return {
        "bucket": bucket,
        "prefix": prefix,
        "project": settings["project"],
        "region": settings["region"],
        "batch_id": f"imagemill-{run_date.replace('-', '')}-{digest}",
        "batch": batch_of(settings, ["--source", source, "--run-date", run_date, *flags]),
        "loaded": {"warehouse": settings["warehouse"], "source": expanded, "run_date": run_date},
    }


def batch_of(settings: dict[str, Any], args: list[str]) -> dict[str, Any]:
    """A Dataproc batch whose driver plans, processes, seals and loads, and ends with imagemill's exit code."""
    config_name = settings["config"].rpartition("/")[2]
    account, subnetwork = settings["service_account"], settings["subnetwork"]
    return {
        "pyspark_batch": {
            "main_python_file_uri": settings["driver"],
            "archive_uris": [settings["archive"].partition("#")[0] + "#imagemill-runtime"],
            "file_uris": [settings["config"]],
            "args": ["run", "--config", config_name, *args],
        },
        "runtime_config": {"version": settings["runtime_version"], "properties": settings["properties"]},
        "environment_config": {
            "execution_config": {
                "ttl": {"seconds": settings["ttl_hours"] * 3600},
                **({"service_account": account} if account else {}),
                **({"subnetwork_uri": subnetwork} if subnetwork else {}),
            }
        },
        "labels": {"application": "imagemill"},
    }


def ending_of(text: str) -> dict[str, Any]:
    """The last line of `imagemill run --json` in a driver's log: the run's counts, or what went wrong; {} if there is none."""
    for line in reversed(text.splitlines()):
        if line.startswith('{"'):
            try:
                ending = json.loads(line)
            except json.JSONDecodeError:
                continue
            if "runId" in ending or "error" in ending:
                return ending
    return {}


def failure_of(error: dict[str, Any]) -> AirflowException:
    """What a failed run says, and whether Airflow is to try again."""
    message = f"{error['code']}: {error['message']}. Next: {error.get('hint', 'read the log above')}"
    if error.get("exitCode") in NO_USE_TO_RETRY:
        return AirflowFailException(f"{message} Then clear this task: the run continues where it is.")
    return AirflowException(message)


class NightObjectsSensor(GCSObjectsWithPrefixExistenceSensor):
    """Asks for one name where the provider's lists them all: a night may have millions."""

    def poke(self, context: Context) -> bool:
        hook = GCSHook(self.google_cloud_conn_id, impersonation_chain=self.impersonation_chain)
        blobs = hook.get_conn().list_blobs(self.bucket, prefix=self.prefix, max_results=1)
        self._matches = [blob.name for blob in blobs]
        return bool(self._matches)


class ImagemillBatchOperator(DataprocCreateBatchOperator):
    """A try attaches to the batch of an earlier try that still runs, and the task's log ends with the batch's own."""

    def execute(self, context: Context) -> Any:
        self.batch_id = self.live_or_new(self.batch_id)
        return super().execute(context)

    def live_or_new(self, stem: str) -> str:
        """`<stem>-<n>`: n is the number of the try, as each try burns one id, whether its batch succeeds or fails."""
        for batch_id in (f"{stem}-{number}" for number in itertools.count(1)):
            try:
                batch = self.hook.get_batch(batch_id=batch_id, region=self.region, project_id=self.project_id)
            except NotFound:
                return batch_id
            self.log.info("Batch %s of an earlier try: %s", batch_id, batch.state.name)
            if batch.state.name in ("PENDING", "RUNNING"):
                return batch_id

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        text = self.driver_log(event["batch_id"])
        self.log.info("The end of the batch's log:\n%s", text)
        ending = ending_of(text)
        if event["batch_state"] == "FAILED" and "error" in ending:
            raise failure_of(ending["error"])
        super().execute_complete(context, event)
        return ending

    def driver_log(self, batch_id: str) -> str:
        """The last lines of the batch's output; empty, with a warning, where it cannot be read."""
        try:
            batch = self.hook.get_batch(batch_id=batch_id, region=self.region, project_id=self.project_id)
            bucket, _, prefix = batch.runtime_info.output_uri.removeprefix("gs://").partition("/")
            client = GCSHook(self.gcp_conn_id, impersonation_chain=self.impersonation_chain).get_conn()
            tail = b""
            for blob in sorted(client.list_blobs(bucket, prefix=prefix), key=lambda blob: blob.name)[-2:]:
                if blob.size:
                    tail += blob.download_as_bytes(start=max(0, blob.size - LOG_TAIL_BYTES))
            return tail[-LOG_TAIL_BYTES:].decode(errors="replace")
        except GoogleAPIError as error:
            self.log.warning("The batch's log cannot be read: %s", error)
            return ""


def alert(context: Context) -> None:
    """Of a task that has failed for good: says so in the log, and to the webhook where there is one."""
    instance = context["task_instance"]
    text = f"imagemill: {instance.task_id} of {context['run_id']} failed: {context.get('exception')}\n{instance.log_url}"
    log.error(text)
    try:
        connection = json.loads(Variable.get("imagemill", "{}")).get("alert_connection")
        if connection:
            body = json.dumps({"text": text}).encode()
            url = BaseHook.get_connection(connection).password
            request = urllib.request.Request(url, body, {"content-type": "application/json; charset=utf-8"})
            urllib.request.urlopen(request, timeout=10).close()
    except Exception:  # The task's own failure is what people must see.
        log.exception("the alert could not be sent")


@dag(
    dag_id="imagemill_nightly",
    schedule=CronDataIntervalTimetable(SCHEDULE, timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=3,
    default_args={"retries": RETRIES, "on_failure_callback": alert},
    params={
        "sources": Param([], type="array", items={"type": "string", "pattern": "^gs://"}, description="Empty: those of the Variable."),
        "run_date": Param(None, type=["null", "string"], format="date", description="Empty: the logical date."),
        "flags": Param([], type="array", items={"type": "string"}, description='Added to the Variable\'s, e.g. "--rerun", "2".'),
    },
    doc_md=__doc__,
    tags=["imagemill"],
)
def imagemill_nightly() -> None:
    @task(retries=0)
    def nights(params: dict[str, Any], run_id: str, logical_date: datetime | None = None) -> list[dict[str, Any]]:
        """Checks the settings and says what each source's tasks are given."""
        try:
            settings = read_settings(Variable.get("imagemill", None))
        except ValueError as error:
            raise AirflowFailException(str(error)) from error
        if not params["run_date"] and logical_date is None:
            raise AirflowFailException('a run without a logical date needs the param "run_date"')
        run_date = date.fromisoformat(params["run_date"]) if params["run_date"] else logical_date.date()
        sources = dict.fromkeys(params["sources"] or settings["sources"])
        flags = [*settings["flags"], *params["flags"]]
        return [night_of(settings, source, run_date.isoformat(), flags, run_id) for source in sources]

    @task
    def check_rows(loaded: dict[str, str]) -> list[dict[str, Any]]:
        """Every run of this date and source is in the warehouse with as many rows of each outcome as it counted."""
        project, dataset = loaded["warehouse"].removeprefix("bigquery://").split("/")
        parameters = [
            ScalarQueryParameter("run_date", "DATE", loaded["run_date"]),
            ScalarQueryParameter("source", "STRING", loaded["source"]),
        ]
        client = BigQueryHook(use_legacy_sql=False).get_client(project_id=project)
        query = client.query(CHECK_SQL.format(dataset=f"{project}.{dataset}"), QueryJobConfig(query_parameters=parameters))
        runs = [dict(row) for row in query.result()]
        log.info("loaded: %s", runs)
        if not runs:
            raise AirflowException(f"{loaded['warehouse']} has no run of {loaded['source']} on {loaded['run_date']}")
        for run in runs:
            counted = [run["objects"], run["ok"], run["skipped"], run["quarantined"]]
            rows = [run["row_count"], run["row_ok"], run["row_skipped"], run["row_quarantined"]]
            if counted != rows or counted[0] != sum(counted[1:]):
                raise AirflowFailException(
                    f"run {run['run_id']} counted (objects, ok, skipped, quarantined) {counted}, the table images has {rows}. "
                    f"Next: imagemill verify {run['run_id']}"
                )
        return runs

    @task_group
    def night(bucket: str, prefix: str, project: str, region: str, batch_id: str, batch: dict, loaded: dict) -> None:
        """One source on one date."""
        objects = NightObjectsSensor(
            task_id="wait_for_objects",
            bucket=bucket,
            prefix=prefix,
            deferrable=True,
            poke_interval=60,
            timeout=WAIT_AT_MOST.total_seconds(),
            do_xcom_push=False,
        )
        process = ImagemillBatchOperator(
            task_id="process",
            project_id=project,
            region=region,
            batch_id=batch_id,
            batch=batch,
            deferrable=True,
            polling_interval_seconds=10,
        )
        objects >> process >> check_rows(loaded)

    @task(outlets=[Asset("imagemill_images")])
    def open_gate() -> None:
        """All sources of the night are loaded and add up: DAGs with schedule=[Asset("imagemill_images")] start."""

    night.expand_kwargs(nights()) >> open_gate()


imagemill_nightly()
