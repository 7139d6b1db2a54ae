"""What the page tells of the training."""

from sbrcli.report.training_section import describe_training
from tests.report.workdirs import make_epochs


def test_the_best_epoch_is_named_and_both_curves_are_drawn():
    content = describe_training(make_epochs(3), 3, [], "mrr@20").content
    assert "<p>3 epochs; epoch 3 was the best in mrr@20 on the valid split.</p>" in content
    assert content.count("<svg") == 2
    assert "<p>From 4.000 in the first epoch to 1.333 in the last.</p>" in content
    assert "Epoch 3, the best: recall@20 0.6000, ndcg@20 0.4500, mrr@20 0.3000.</p>" in content
    assert "<td>best</td>" in content
    assert 'data-value="1000">1,000</td>' in content


def test_one_epoch_is_no_curve():
    content = describe_training(make_epochs(1), 1, [], "mrr@20").content
    assert "<p>One epoch.</p>" in content
    assert "<svg" not in content
    assert '<td class="number" data-value="4.0">4.0000</td>' in content


def test_without_a_valid_split_there_are_no_figures_and_this_is_reported():
    content = describe_training(make_epochs(2, valid=False), 2, [], "mrr@20").content
    assert (
        "<p>2 epochs; without a valid split, the run has the weights of the last epoch.</p>"
        in content
    )
    assert content.count("<svg") == 1
    assert "recall@20" not in content


def test_a_refit_has_its_own_curve_and_table():
    content = describe_training(make_epochs(3), 2, make_epochs(2, valid=False), "mrr@20").content
    assert (
        "The run was then trained again from scratch on train and valid, for 2 epochs, and has "
        "these weights.</p>" in content
    )
    assert ">refit</text>" in content
    assert "<figcaption>Epochs of the refit</figcaption>" in content
    once = describe_training(make_epochs(3), 1, make_epochs(1, valid=False), "mrr@20").content
    assert "on train and valid, for 1 epoch, and has" in once
