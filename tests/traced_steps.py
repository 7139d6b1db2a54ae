"""Training steps that are traced once: tracing takes longer than all that a small network learns.

A step of a network that has been traced with the same options serves the next training too: that
one's first weights are written into the variables of the step, which become the new network's own,
and what the optimizer remembers is zero again. Two trainings of the same network and options must
therefore not be under way at once in one process, as no test has them.

XLA is left out too, whose compiling takes as long again, and so is Grappler, which looks for a
faster graph: a third of the time of tracing. The fixture `with_xla` brings both back.
"""

from copy import copy
from functools import cache
from typing import Any

import tensorflow as tf

from sbrcli.models.network import Network
from sbrcli.models.training import backend, fit
from sbrcli.models.training.step import TrainingStep

compiles_with_xla = backend.compiles_with_xla
_traced: dict[str, TrainingStep] = {}


@cache
def install() -> None:
    """Let each training of this process have such a step."""
    backend.compiles_with_xla = lambda: False
    use_grappler(False)
    fit.TrainingStep = make_step


def use_grappler(is_used: bool) -> None:
    """Let TensorFlow improve each graph that is traced from now on, or take it as it is."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not is_used})


def make_step(network: Network, config: Any, sampler: Any = None, total_chunks: int = 1) -> Any:
    """Make what `TrainingStep` would be."""
    drawn = sampler and [sampler.n_sample, *(t.numpy().tobytes() for t in _tensors(sampler))]
    key = repr((network.shape, config, drawn, total_chunks, backend.compiles_with_xla()))
    if key not in _traced:
        _traced[key] = TrainingStep(network, config, sampler, total_chunks)
        return copy(_traced[key])
    traced = _traced[key]
    for name, variable in traced.variables.items():
        variable.assign(network.variables[name])
    network.variables = traced.variables
    for variable in (*traced.optimizer.slots.values(), traced.chunks_done):
        variable.assign(tf.zeros_like(variable))
    return copy(traced)  # what a test replaces in it is replaced for that test alone


def _tensors(sampler: Any) -> list[Any]:
    return [value for value in vars(sampler).values() if hasattr(value, "numpy")]
