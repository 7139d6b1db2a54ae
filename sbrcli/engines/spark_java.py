"""Check that Spark has the Java runtime that it runs in."""

import os
import shutil
from pathlib import Path

from sbrcli.errors import ConfigError

INSTALL_JAVA = (
    "install Java 17 or later, as with apt-get install default-jre-headless; JAVA_HOME names "
    "another place"
)


def require_java() -> None:
    """Check that there is a program `java` where Spark looks for it.

    Raises:
        ConfigError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    if home:
        if shutil.which("java", path=Path(home) / "bin") is None:
            raise ConfigError(
                f"--engine spark needs Java, and JAVA_HOME={home} has no bin/java",
                hint=INSTALL_JAVA,
            )
    elif shutil.which("java") is None:
        raise ConfigError("--engine spark needs Java, which is not installed", hint=INSTALL_JAVA)
