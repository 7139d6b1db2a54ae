"""The inputs and outputs that exported models share, in words."""


def describe_inputs(integers: str) -> dict[str, str]:
    """Describe the sessions that a model takes.

    Args:
        integers: the type of the integers, such as int64.
    """
    return {
        "items": f"{integers} (sessions, steps): item indices, oldest first, from the left; the "
        "rest of a row is filled with 0",
        "lengths": f"{integers} (sessions,): the number of events of each session, at least 1",
    }


TOP_INPUTS = {
    "k": "the length of the lists",
    "exclude_seen": "whether to leave out the session's own items",
}
TOP_OUTPUTS = {
    "top_items": "(sessions, k): the indices of the best items, best first",
    "top_scores": "float32 (sessions, k): their scores; minus infinity where no candidate is left",
}
SCORES = {
    "scores": "float32 (sessions, items): the score of every item, the session's own included",
}
