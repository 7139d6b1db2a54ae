"""The layouts of well-known logs, one module a source."""
