"""Several workers that train one network: processes, the devices of a process, or both.

Each worker computes some lanes of a chunk (`share`), and all of them apply the mean of their
gradients to weights of their own, which therefore stay equal. TensorFlow's strategies carry the
sums: `MultiWorkerMirroredStrategy` between processes, `MirroredStrategy` between the devices of
one. The first process is the chief, which alone reads and writes files; it tells the others what
they cannot know, as whether it is time to save.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from sbrcli.models.network import Network
from sbrcli.models.training.optimizers import Gradients, Rows
from sbrcli.models.training.share import Share

_MESSAGE = 512
"""Bytes of a message that are sent at once; those of most messages."""


@dataclass(frozen=True)
class Team:
    """The workers of a training, as one of the processes sees them."""

    strategy: Any
    """The `tf.distribute.Strategy`."""

    process: int = 0
    """The number of this process; that of the chief is 0."""

    num_processes: int = 1

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices of this process, each a worker."""
        return self.strategy.extended.worker_devices

    @property
    def size(self) -> int:
        """The number of workers."""
        return self.num_processes * len(self.devices)

    @property
    def is_chief(self) -> bool:
        """Whether this process reads and writes the files."""
        return self.process == 0

    def copies(self, make: Callable[[], Network]) -> list[Network]:
        """Return the network that a function makes, once for each device of this process."""
        networks = []
        for device in self.devices:
            with tf.device(device):
                networks.append(make())
        return networks

    def share_of(self, device: int) -> Share:
        """Return the share of one of this process's devices, by its number."""
        return Share(self.process * len(self.devices) + device, self.size)

    def from_chief(self, value: Any) -> Any:
        """Return the chief's value, which JSON can hold; all processes call it at once."""
        if self.num_processes == 1:
            return value
        text = json.dumps(value).encode() if self.is_chief else b""
        head = len(text).to_bytes(8, "little") + text[: _MESSAGE - 8]
        head = self._bytes_from_chief(head.ljust(_MESSAGE, b"\0"))
        size, text = int.from_bytes(head[:8], "little"), head[8:] + text[_MESSAGE - 8 :]
        if size > _MESSAGE - 8:
            rest = text[_MESSAGE - 8 :].ljust(size - (_MESSAGE - 8), b"\0")
            text = head[8:] + self._bytes_from_chief(rest)
        return json.loads(text[:size])

    def _bytes_from_chief(self, text: bytes) -> bytes:
        return self.numbers_from_chief(np.frombuffer(text, np.uint8)).tobytes()

    def numbers_from_chief(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the chief's array, bit by bit; all processes hold one of its type and shape."""
        return self.merged(array if self.is_chief else np.zeros_like(array))

    def merged(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return an array of which each process holds some numbers, and zeros for the others."""
        bits = np.ascontiguousarray(array).view(np.uint8 if array.itemsize == 1 else np.uint16)
        return self._total(bits).astype(bits.dtype).view(array.dtype)

    def in_any(self, facts: Sequence[bool]) -> list[bool]:
        """Return for each fact whether it holds in any process; all of them call it at once."""
        return (self._total(np.array(facts, np.uint8)) > 0).tolist()

    def _total(self, array: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[Any]:
        """Return the sum of the arrays of all processes, as float32, which is exact to 2^24."""
        if self.num_processes == 1 or not array.size:
            return array
        values = tf.constant(array.ravel().astype(np.float32))
        return self._sum(values).numpy().reshape(array.shape)

    @cached_property
    def _sum(self) -> Any:
        def sum_processes(array: Any) -> Any:
            context: Any = tf.distribute.get_replica_context()
            is_first = context.replica_id_in_sync_group % len(self.devices) == 0
            own = tf.where(is_first, array, tf.zeros_like(array))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, own)

        def run(array: Any) -> Any:
            sums = self.strategy.run(sum_processes, args=(array,))
            return self.strategy.experimental_local_results(sums)[0]

        # Processes that trace at different times would take different sums for the same one.
        signature = [tf.TensorSpec((None,), tf.float32)]
        return tf.function(run, autograph=False, input_signature=signature)

    def average(self, gradients: Gradients, loss: Any) -> tuple[Gradients, Any]:
        """Return the mean of the gradients over all workers, and the sum of their losses.

        It is called by each worker, in the graph. All gradients travel as one array: a sum between
        processes takes longer to begin than to carry some thousand numbers. `Rows` have the same
        indices in all workers.
        """
        parts = {name: g.values if isinstance(g, Rows) else g for name, g in gradients.items()}
        flat = [tf.reshape(part, (-1,)) for part in (*parts.values(), loss)]
        context: Any = tf.distribute.get_replica_context()
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.concat(flat, axis=0))
        *sums, loss_sum = tf.split(total, tf.stack([tf.size(part) for part in flat]), num=len(flat))
        averaged: dict[str, Any] = {}
        for (name, part), values in zip(parts.items(), sums, strict=True):
            mean = tf.reshape(values, tf.shape(part)) / self.size
            mean.set_shape(part.shape)
            gradient = gradients[name]
            is_rows = isinstance(gradient, Rows)
            averaged[name] = gradient._replace(values=mean) if is_rows else mean
        return averaged, tf.reshape(loss_sum, ())
