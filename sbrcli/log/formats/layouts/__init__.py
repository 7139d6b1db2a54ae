"""The layouts of well-known logs, one module per source."""
