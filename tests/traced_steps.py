"""Training steps that are traced once: tracing takes longer than all that a small network learns.

A step of a network that has been traced with the same options serves the next training too, also
with another seed or learning rate, which are variables here, and whatever the loop around it does.
The next training's first weights are written into the variables of the step, which become the new
network's own, and what the optimizer remembers is zero again. Two trainings of the same network and
options must therefore not be under way at once in one process, as no test has them.

XLA is left out too, whose compiling takes as long again, and so is Grappler, which looks for a
faster graph: a third of the time of tracing. The fixture `with_xla` brings both back.
"""

import gc
from copy import copy
from dataclasses import fields
from functools import cache
from typing import Any

import tensorflow as tf

from sbrcli.config.training import FitConfig
from sbrcli.models.network import Network
from sbrcli.models.training import backend, fit
from sbrcli.models.training.optimizers import make_optimizer
from sbrcli.models.training.step import TrainingStep

compiles_with_xla = backend.compiles_with_xla
IN_NO_GRAPH = {
    *("epochs", "patience", "monitor", "refit", "since", "last_days", "shuffle", "threads"),
    *("seed", "learning_rate", "n_sample"),
}
"""Options of the loop, those that are variables here, and one that the sampler says."""

_traced: dict[str, Any] = {}


@cache
def install() -> None:
    """Let each training of this process have such a step."""
    backend.compiles_with_xla = lambda: False
    use_grappler(False)
    fit.TrainingStep = make_step
    gc.freeze()  # see `tests.conftest`: TensorFlow has been loaded since


def use_grappler(is_used: bool) -> None:
    """Let TensorFlow improve each graph that is traced from now on, or take it as it is."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not is_used})


def make_step(
    network: Network, config: FitConfig, sampler: Any = None, total_chunks: int = 1
) -> Any:
    """Make what `TrainingStep` would be."""
    drawn = sampler and [sampler.n_sample, *(t.numpy().tobytes() for t in _tensors(sampler))]
    options = [
        (field.name, getattr(config, field.name))
        for field in fields(config)
        if field.name not in IN_NO_GRAPH | config.without_effect(network.shape.num_items)
    ]
    uses_total = config.average_weights or config.schedule != "constant"
    total = (total_chunks, config.epochs) if uses_total else None
    key = repr((type(network), network.shape, options, drawn, total, backend.compiles_with_xla()))
    if key not in _traced:
        _traced[key] = TrainingStep(network, config, sampler, total_chunks)
        _traced[key].seed = tf.Variable(tf.constant(config.seed, tf.int64))
        _traced[key].optimizer.learning_rate = tf.Variable(tf.constant(_learning_rate(config)))
        return copy(_traced[key])
    traced = _traced[key]
    for name, variable in traced.variables.items():
        variable.assign(network.variables[name])
    network.variables = traced.variables
    if traced.weight_average is not None:
        traced.weight_average.begin()
    for variable in (*traced.optimizer.slots.values(), traced.chunks_done):
        variable.assign(tf.zeros_like(variable))
    traced.seed.assign(config.seed)
    traced.optimizer.learning_rate.assign(_learning_rate(config))
    return copy(traced)  # what a test replaces in it is replaced for that test alone


def _learning_rate(config: FitConfig) -> float:
    """Return that of the optimizer that these options make."""
    optimizer: Any = make_optimizer(config, {})
    return optimizer.learning_rate


def _tensors(sampler: Any) -> list[Any]:
    return [value for value in vars(sampler).values() if hasattr(value, "numpy")]
