"""The rows of history.csv, of this version and of others."""

from pathlib import Path

from sbrcli.models.training.history import best_epoch, write_history

FIRST = {"epoch": 1, "loss": 2.5, "seconds": 0.5, "events_per_second": 100.0, "recall@20": 0.5}
FIRST |= {"mrr@20": 0.25, "ndcg@20": 0.375}


def test_rows_of_other_versions_have_gaps_and_columns_behind(tmp_path: Path):
    earlier = {name: value for name, value in FIRST.items() if name != "ndcg@20"}
    later = FIRST | {"epoch": 2, "map@20": 0.125, "device": "gpu"}
    write_history(tmp_path, [earlier, later])
    assert (tmp_path / "history.csv").read_text() == (
        "epoch,loss,seconds,events_per_second,recall@20,mrr@20,ndcg@20,map@20,device\n"
        "1,2.5,0.5,100.0,0.5,0.25,,,\n"
        "2,2.5,0.5,100.0,0.5,0.25,0.375,0.125,gpu\n"
    )


def test_the_best_epoch_is_among_those_that_have_the_figure():
    rows = [FIRST, {"epoch": 2, "loss": 1.0}, FIRST | {"epoch": 3, "mrr@20": 0.5}]
    assert best_epoch(rows, "mrr@20") == 3
    assert best_epoch(rows[:2], "mrr@20") == 1
    assert best_epoch(rows, "map@20") == 3  # none has it, so the last one counts
