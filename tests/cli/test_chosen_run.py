"""Which run is used is said, and what else could have been meant."""

from pathlib import Path

from tests.builders import make_run

ITEMS = ("recommend", "--items", "10", "-k", 1)


def make(name: str, dataset: str) -> None:
    make_run(Path("sbr-work"), name=name, dataset={"name": dataset, "fingerprint": "0"})


def test_the_run_and_its_dataset_are_named_on_stderr(sbr):
    make("shop-1x4", "shop")
    assert sbr(*ITEMS).stderr == "run shop-1x4 on dataset shop\n"
    assert sbr(*ITEMS, "--quiet").stderr == ""


def test_the_latest_of_runs_on_several_datasets_is_taken_with_a_warning(sbr):
    make("old", "films")
    make("older", "films")
    make("new", "shop")
    warning = (
        "warning: using the latest run, new on dataset shop; other datasets have runs as well: "
        "older on dataset films. --run NAME selects one\n"
    )
    assert sbr(*ITEMS).stderr == f"{warning}run new on dataset shop\n"
    assert sbr(*ITEMS, "--quiet").stderr == warning
    assert sbr(*ITEMS, "--run", "old").stderr == "run old on dataset films\n"


def test_of_many_datasets_three_are_named(sbr):
    for number in range(1, 6):
        make(f"run{number}", f"log{number}")
    assert sbr(*ITEMS, "--quiet").stderr == (
        "warning: using the latest run, run5 on dataset log5; other datasets have runs as well: "
        "run4 on dataset log4, run3 on dataset log3, run2 on dataset log2, 1 more. --run NAME "
        "selects one\n"
    )


def test_several_runs_on_one_dataset_are_no_reason_to_warn(sbr):
    make("one", "shop")
    make("two", "shop")
    assert sbr(*ITEMS).stderr == "run two on dataset shop\n"
