"""What dags/imagemill_nightly.py does without a service: `python nightly_checks.py` under any Airflow that it is for."""

import json
import os
import sys
from pathlib import Path

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag

dags = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
sys.path.insert(0, str(dags))
import imagemill_nightly as nightly  # noqa: E402

example = json.loads((dags / "imagemill_variable.json").read_text())["imagemill"]


def refused(**changes):
    """What is said of the example with these keys changed; None takes a key away."""
    given = {key: value for key, value in {**example, **changes}.items() if value is not None}
    try:
        nightly.read_settings(json.dumps(given))
    except ValueError as error:
        return str(error)
    raise AssertionError(f"{changes} was taken")


def check_the_bag_has_it_without_errors():
    bag = DagBag(str(dags))
    assert bag.import_errors == {}, bag.import_errors
    assert list(bag.dags) == ["imagemill_nightly"]
    tasks = ["night.check_rows", "night.process", "night.wait_for_objects", "nights", "open_gate"]
    assert sorted(bag.dags["imagemill_nightly"].task_ids) == tasks


def check_the_example_of_a_variable_is_taken():
    settings = nightly.read_settings(json.dumps(example))
    assert settings["runtime_version"] == "2.3" and settings["wait_for"] == "{source}/"


def check_what_is_wrong_is_named_by_its_key():
    assert 'key "region" is missing: the region' in refused(region=None)
    assert 'key "regoin" is unknown, did you mean "region"?' in refused(regoin="x")
    assert 'key "config" must be' in refused(config="/etc/nightly.yaml")
    assert 'key "sources" must be a list' in refused(sources="gs://b")
    assert 'key "sources" must be' in refused(sources=[])
    assert 'key "sources" must be' in refused(sources=["gs://b", "folder"])
    assert 'key "warehouse" must be bigquery://project/dataset' in refused(warehouse="bigquery://project")
    assert 'key "properties" must be' in refused(properties={"spark.executor.instances": 4})
    for hours in (0, 337, True, "12", 1.5):
        assert f'key "ttl_hours" must be hours after which the batch is ended, from 1 to 336, not {json.dumps(hours)}' in refused(
            ttl_hours=hours
        )
    both = refused(region=None, driver="x")
    assert '"region"' in both and '"driver"' in both


def check_a_variable_that_is_none():
    for text, said in ((None, "there is no Airflow Variable"), ("{", "is not JSON"), ("[]", "must be a JSON object")):
        try:
            nightly.read_settings(text)
        except ValueError as error:
            assert said in str(error)
        else:
            raise AssertionError(f"{text} was taken")


def check_what_a_night_is_given():
    settings = nightly.read_settings(json.dumps({**example, "subnetwork": "private", "ttl_hours": 3}))
    night = nightly.night_of(settings, "gs://in/{run_date}/", "2026-11-23", ["--rerun", "2"], "scheduled__1")
    assert (night["bucket"], night["prefix"]) == ("in", "2026-11-23/")
    assert night["loaded"] == {"warehouse": example["warehouse"], "source": "gs://in/2026-11-23", "run_date": "2026-11-23"}
    assert night["batch_id"].startswith("imagemill-20261123-") and len(night["batch_id"]) < 60
    batch = night["batch"]
    assert batch["pyspark_batch"]["archive_uris"] == [example["archive"]]
    run = ["run", "--config", "nightly.yaml", "--source", "gs://in/{run_date}/", "--run-date", "2026-11-23", "--rerun", "2"]
    assert batch["pyspark_batch"]["args"] == run
    execution = batch["environment_config"]["execution_config"]
    assert execution == {"ttl": {"seconds": 10800}, "service_account": example["service_account"], "subnetwork_uri": "private"}


def check_a_marker_is_waited_for():
    settings = nightly.read_settings(json.dumps({**example, "wait_for": "gs://markers/{run_date}.done"}))
    night = nightly.night_of(settings, "gs://in/{run_date}", "2026-11-23", [], "r")
    assert (night["bucket"], night["prefix"]) == ("markers", "2026-11-23.done")


def check_batch_ids_tell_nights_apart_and_tries_together():
    settings = nightly.read_settings(json.dumps(example))
    nights = [("gs://a", [], "r"), ("gs://b", [], "r"), ("gs://a", ["--rerun", "2"], "r"), ("gs://a", [], "s")]
    ids = [nightly.night_of(settings, source, "2026-11-23", flags, run)["batch_id"] for source, flags, run in nights]
    assert len(set(ids)) == len(ids)
    assert ids[0] == nightly.night_of(settings, "gs://a", "2026-11-23", [], "r")["batch_id"]


def check_the_ending_of_a_log():
    assert nightly.ending_of('noise\n{"runId": "r", "ok": 1}\n26/11/23 INFO stopped\n{"other": 1}\n{"broken\n')["ok"] == 1
    assert nightly.ending_of('{"error": {"code": "USAGE"}}')["error"]["code"] == "USAGE"
    assert nightly.ending_of("nothing") == {}


def check_which_failures_are_not_tried_again():
    for exit_code, final in ((1, False), (2, True), (3, True), (4, True), (5, False), (130, False)):
        failure = nightly.failure_of({"code": "C", "message": "m", "hint": "do this", "exitCode": exit_code})
        assert isinstance(failure, nightly.AirflowFailException) == final, exit_code
        assert "C: m. Next: do this" in str(failure)


checks = [function for name, function in list(globals().items()) if name.startswith("check_")]
for function in checks:
    function()
print(f"{len(checks)} checks passed")
