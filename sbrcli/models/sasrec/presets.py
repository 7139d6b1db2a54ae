"""Named sets of options of SASRec."""

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {}
"""Named sets of options of `sbr train`; explicit options take precedence."""
