"""Exit codes 2 and 4: the command line shows a wrong form, the configuration a wrong value."""

import shlex

import pytest

USAGE = """
frobnicate
--frobnicate
stats --frobnicate
stats x --dataset y
stats --session user
stats x --session hour
stats x --session gap:soon
preprocess
preprocess x --session 3600
preprocess x --session gap:
preprocess x --across-users
preprocess x --session user --across-users
preprocess x --split foo
preprocess x --valid-days abc
preprocess x --test-days 1 --test-days 2
preprocess x --valid-share .1 --valid-days 3
preprocess x --split last --valid-days 3
preprocess x --test-log y --split last
preprocess x --test-log y --valid-days 3
preprocess x --valid-log y
preprocess x --no-time
preprocess x --no-time --split last --session gap:3
preprocess x --time-unit weeks
preprocess x --time-format %Y --time-unit s
preprocess x --no-time --time-unit s
preprocess x --columns who
preprocess x --drop-id who
preprocess x --quote foo
train --loss foo
train --optimizer foo
train --schedule foo
train --device foo
train --monitor foo
train --precision foo
train --embedding foo
train --preset foo
train --hsz abc
train --hsz 4,b
train --n-sample abc
train --epochs abc
train --layers 3 --hsz 1,2
train --momentum 0.5 --optimizer adam
train --label-smoothing 0.1 --loss bpr
train --elu 1
train --resume --epochs 3
train --from x --preset best
evaluate -k abc
evaluate -k 10,x
evaluate --split foo
evaluate --baselines foo
evaluate --baselines markov --markov foo
evaluate --baselines markov --markov steps=abc
evaluate --markov steps=2
evaluate --log x --split valid
recommend
recommend x --items 1
recommend --items 1 -k abc
recommend --find x --items 1
compare --format foo
compare --format md --json
compare --by foo
compare -k abc
runs foo
runs show
guide foo
"""

CONFIG = """
stats x --tz Mars
stats x --session gap:-1
preprocess x --session gap:nan
preprocess x --min-session-length 1
preprocess x --min-item-support 0
preprocess x --valid-days -1
preprocess x --test-days nan
preprocess x --valid-share 2
preprocess x --columns user=1,item=1,time=1
preprocess x --encoding foo
preprocess x --sep ''
preprocess x --escape foo
preprocess x --list-sep ''
preprocess x --event ,
preprocess x --tz Mars
preprocess x --name a/b
train --hsz 0
train --n-sample -1
train --epochs 0
train --layers 0
train --dropout 1
train --learning-rate 0
train --seed -1
train --checkpoint-minutes 0
train --name a/b
evaluate -k 0
evaluate --baselines markov --markov steps=0
evaluate --per-event nowhere/x
evaluate --run a/b
recommend --items 1 -k 0
compare -k 0
report --out nowhere/x.html
"""


@pytest.mark.parametrize("line", USAGE.strip().splitlines())
def test_a_line_whose_words_do_not_fit_is_a_usage_error(sbr, line):
    said = sbr(*shlex.split(line))
    assert (said.code, said.stdout) == (2, "")


@pytest.mark.parametrize("line", CONFIG.strip().splitlines())
def test_a_well_written_value_that_cannot_be_used_is_a_configuration_error(sbr, line):
    said = sbr(*shlex.split(line))
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr.startswith("error: ")
