"""The counters of a worker."""

from sbrcli.serve.metrics import Metrics


def test_two_workers_of_one_process_have_counters_of_their_own():
    first, second = Metrics(), Metrics()
    for metrics in (first, second):
        metrics.name_run("a run")
        metrics.count_request("recommend", 200, 0.002)
