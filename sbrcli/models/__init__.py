"""Whatever scores the next item."""
