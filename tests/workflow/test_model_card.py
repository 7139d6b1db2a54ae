"""The model card of an exported run, word by word."""

from pathlib import Path

import pytest

from sbrcli.artefacts.run import Run
from sbrcli.config.export import ExportConfig, Format
from sbrcli.models.export.registry import FORMATS
from sbrcli.workflow.model_card import write_card
from tests.builders import make_run

ONNX = """\
# user-1x4

A GRU4Rec that recommends the next item of a session, exported by sbr 0.1.0. It scores 9 items. \
Licence: not stated.

## Inputs

- `items`: int64 (sessions, steps): item indices, oldest first, from the left; the rest of a \
row is filled with 0
- `lengths`: int64 (sessions,): the number of events of each session, at least 1
- `k`: int64 (1,): the length of the lists
- `exclude_seen`: bool (): whether to leave out the session's own items

## Outputs

- `top_items`: int64 (sessions, k): the indices of the best items, best first
- `top_scores`: float32 (sessions, k): their scores; minus infinity where no candidate is left
- `scores`: float32 (sessions, items): the score of every item, the session's own included

An item's index is the place of its id in `ids` of `items.json`, counted from 0. Leave out ids \
that are not there. The scores order the items of one session; they are not probabilities.

## Use

```python
import json
import numpy as np
import onnxruntime

model = onnxruntime.InferenceSession("model.onnx")
ids = json.load(open("items.json"))["ids"]
session = [ids[0], ids[1]]  # item ids, oldest first

items = np.array([[ids.index(item) for item in session]], np.int64)
feeds = {
    "items": items,
    "lengths": np.array([len(session)], np.int64),
    "k": np.array([20], np.int64),
    "exclude_seen": np.array(True),
}
[best] = model.run(["top_items"], feeds)
print([ids[index] for index in best[0]])
```

## Figures

It was not evaluated on test before it was exported: `sbr evaluate` computes its figures.

## Training

"""

KERAS_INPUTS = """\
## Inputs

- `items`: int32 (sessions, steps): item indices, oldest first, from the left; the rest of a \
row is filled with 0
- `lengths`: int32 (sessions,): the number of events of each session, at least 1

## Outputs

- `scores`: float32 (sessions, items): the score of every item, the session's own included

"""

KERAS_USE = """\
## Use

```python
import json
import keras
import numpy as np

model = keras.models.load_model("model.keras")
ids = json.load(open("items.json"))["ids"]
session = [ids[0], ids[1]]  # item ids, oldest first

items = np.array([[ids.index(item) for item in session]], np.int32)
feeds = {"items": items, "lengths": np.array([len(session)], np.int32)}
scores = model.predict(feeds, verbose=0)[0]
scores[items[0]] = -np.inf  # leave out the session's own items
print([ids[index] for index in np.argsort(-scores, kind="stable")[:20]])
```

"""

SAVED_MODEL_INPUTS = """\
## Inputs

- `items`: int32 (sessions, steps): item indices, oldest first, from the left; the rest of a \
row is filled with 0
- `lengths`: int32 (sessions,): the number of events of each session, at least 1
- `k`: int32 (): the length of the lists
- `exclude_seen`: bool (): whether to leave out the session's own items

## Outputs

- `top_items`: int32 (sessions, k): the indices of the best items, best first
- `top_scores`: float32 (sessions, k): their scores; minus infinity where no candidate is left
- `scores`: float32 (sessions, items): the score of every item, the session's own included

"""

SAVED_MODEL_USE = """\
## Use

```python
import json
import tensorflow as tf

model = tf.saved_model.load("model").signatures["serving_default"]
ids = json.load(open("items.json"))["ids"]
session = [ids[0], ids[1]]  # item ids, oldest first

found = model(
    items=tf.constant([[ids.index(item) for item in session]]),
    lengths=tf.constant([len(session)]),
    k=tf.constant(20),
    exclude_seen=tf.constant(True),
)
print([ids[index] for index in found["top_items"][0].numpy()])
```

"""


def card_of(folder: Path, model_format: Format) -> str:
    run = Run.read(make_run(folder))
    return write_card(run, ExportConfig(format=model_format), FORMATS[model_format].load(), 9)


def test_the_card_of_an_onnx_model(tmp_path: Path):
    assert card_of(tmp_path, "onnx").startswith(ONNX)


@pytest.mark.parametrize(
    ("model_format", "inputs", "use"),
    [("keras", KERAS_INPUTS, KERAS_USE), ("saved-model", SAVED_MODEL_INPUTS, SAVED_MODEL_USE)],
)
def test_the_card_of_another_format_has_its_own_inputs_and_code(
    tmp_path: Path, model_format: Format, inputs: str, use: str
):
    card = card_of(tmp_path, model_format)
    assert inputs in card
    assert use in card


def test_the_card_states_the_training(tmp_path: Path):
    card = card_of(tmp_path, "onnx")
    training = card[card.index("## Training") :].splitlines()
    assert training[2] == "- dataset: user, fingerprint `0`"
    assert training[4:6] == ["- parameters: 1", "- trained on valid too: no"]
