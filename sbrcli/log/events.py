"""The event table that every log is read into, and the names of its columns.

An event table is a pandas DataFrame with a RangeIndex in file order and these columns:

- `user_id`, `session_id` (at least one of the two) and `item_id`: ids as written in the log. If
  every id of the column is a plain decimal integer of 64 bits (without leading zeros or a plus
  sign), the column is int64. Otherwise it is a categorical of strings whose categories are in the
  order of the dataset: by value if all are numbers ("007" too), else by code point. Sorting by the
  column, or by its codes, gives that order.
- `timestamp`: seconds since 1970 UTC, int64, or float64 if the log has fractions.
- `rating` (if the log has ratings): float64.
"""

USER_ID = "user_id"
SESSION_ID = "session_id"
ITEM_ID = "item_id"
TIMESTAMP = "timestamp"
RATING = "rating"

EVENT = "event"
TIME_OF_DAY = "time_of_day"
"""Further columns of logs that are used while reading; they are not in the event table."""

TIME_PARTS = ("time_part_2", "time_part_3", "time_part_4", "time_part_5", "time_part_6")
"""Further columns of a time that is spread over several, used while reading."""
