"""`TF_CONFIG`, as Kubeflow, Vertex AI and SageMaker write it."""

import json
from typing import Any

import pytest

from sbrcli.config.workers import Cluster, read_cluster
from sbrcli.errors import ConfigError

HOSTS = ["a:2222", "b:2222", "b:2223"]


def read(cluster: Any, kind: str = "worker", index: Any = 0) -> Cluster | None:
    document = {"cluster": cluster, "task": {"type": kind, "index": index}, "environment": "cloud"}
    return read_cluster({"TF_CONFIG": json.dumps(document)})


def test_workers_are_numbered_from_the_chief_on():
    assert read({"worker": HOSTS}, index=2) == Cluster(tuple(HOSTS), 2)
    named = {"chief": HOSTS[:1], "worker": HOSTS[1:]}
    assert read(named, "chief") == Cluster(tuple(HOSTS), 0)
    assert read(named, "worker", "1") == Cluster(tuple(HOSTS), 2)


def test_the_processes_of_a_machine_share_its_cores(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    clusters = [Cluster(tuple(HOSTS), index) for index in range(3)]
    assert [one.num_on_machine for one in clusters] == [1, 2, 2]
    assert [one.index_on_machine for one in clusters] == [0, 0, 1]
    assert [one.threads for one in clusters] == [8, 4, 4]
    assert [one.is_chief for one in clusters] == [True, False, False]


@pytest.mark.parametrize("text", ["", " ", "{}", '{"cluster": {}}'])
def test_without_a_cluster_one_process_trains(text):
    assert read_cluster({"TF_CONFIG": text}) is None
    assert read_cluster({}) is None


def test_a_single_worker_trains_alone():
    assert read({"worker": HOSTS[:1]}) is None
    assert read({"chief": HOSTS[:1]}, "chief") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "worker",
            "it cannot be read (JSONDecodeError: Expecting value: line 1 column 1 (char 0))",
        ),
        ('{"cluster": {"worker": ["a:1"]}}', "it cannot be read (KeyError: 'task')"),
        (
            '{"cluster": {"worker": "a:1"}, "task": {}}',
            "it cannot be read (TypeError: addresses must be a list of HOST:PORT)",
        ),
        (
            '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}',
            "it names processes of another kind: ps",
        ),
        (
            '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
            "it does not list this process, worker 2",
        ),
        (
            '{"cluster": {"chief": ["a:1", "b:1"]}, "task": {"type": "chief", "index": 0}}',
            "it names 2 chiefs",
        ),
    ],
)
def test_what_describes_no_workers_is_refused(text, why):
    with pytest.raises(ConfigError) as refused:
        read_cluster({"TF_CONFIG": text})
    assert str(refused.value) == f"TF_CONFIG describes no workers for sbr train: {why}"
    assert refused.value.hint == (
        'it must be as in {"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, '
        '"task": {"type": "worker", "index": 0}}; unset it to train in one process'
    )


@pytest.mark.parametrize("address", ["b", "b:", ":1", "b:http", "b:65536", "b:-1", 7])
def test_an_address_has_a_host_and_a_port(address):
    with pytest.raises(ConfigError) as caught:
        read({"worker": ["a:1", address]})
    assert "addresses must be a list of HOST:PORT" in str(caught.value)
