"""The engines by name, each loaded when it is started."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from sbrcli.config.engine import EngineConfig
from sbrcli.engines.engine import Engine
from sbrcli.engines.spark_java import require_java
from sbrcli.errors import ConfigError

_NEEDED = {"dask": "distributed", "spark": "pyspark"}
"""By engine: the package that its extra installs. The module `sbrcli.engines.NAME` starts it."""


def require_engine(config: EngineConfig) -> None:
    """Check that what an engine needs is installed.

    Raises:
        ConfigError: it is not.
    """
    name = config.engine
    if name in _NEEDED and find_spec(_NEEDED[name]) is None:
        raise ConfigError(
            f"--engine {name} needs {_NEEDED[name]}, which is not installed",
            hint=f"pip install 'sbrcli[{name}]'; without --engine, this machine does the work",
        )
    if name == "spark":
        require_java()


@contextmanager
def started(config: EngineConfig, folder: Path) -> Iterator[tuple[Engine, EngineConfig]]:
    """Yield a configuration's engine, and the configuration with what the engine has.

    Where the configuration leaves `processes` or `memory` to a cluster, they are those of its
    workers. The engine ends with the context.

    Args:
        config: names the engine.
        folder: an absolute path on scratch, which all workers must see.

    Raises:
        ConfigError: the engine cannot work here.
    """
    module = import_module(f"sbrcli.engines.{config.engine}")
    with module.started(config, folder) as (engine, has):
        yield engine, has
