"""Baselines as their papers state them, event by event, in plain Python: slow, and easy to read."""

from math import exp, log, sqrt

Session = list[int]

POSITION_WEIGHTS = {
    "same": lambda position, length: 1.0,
    "linear": lambda position, length: position / length,
    "quadratic": lambda position, length: (position / length) ** 2,
}
NEIGHBOUR_WEIGHTS = {
    "same": lambda position, length: 1.0,
    "linear": lambda position, length: position / length,
    "div": lambda position, length: 1 / (length - position + 1),
    "quadratic": lambda position, length: 1 / (length - position + 1) ** 2,
}


def vsknn_scores(
    current: Session,
    training: list[Session],
    num_items: int,
    *,
    k: int,
    sample: int,
    weighting: str,
    decay: str,
    idf: float,
) -> list[float]:
    """V-SKNN of Ludewig & Jannach 2018; `training` stands in the order of its sessions' ends."""
    length = len(current)
    position_of = {item: position for position, item in enumerate(current, start=1)}
    weight_of = {i: POSITION_WEIGHTS[weighting](p, length) for i, p in position_of.items()}
    recent_first = [set(session) for session in reversed(training)]
    sampled = [session for session in recent_first if session & set(current)][:sample]
    similar = [(sum(weight_of[i] for i in s & set(current)), s) for s in sampled]
    # Python's sort is stable: of two equally similar, the more recent one stays before.
    neighbours = sorted(similar, key=lambda pair: -round(pair[0], 9))[:k]
    scores = [0.0] * num_items
    for similarity, session in neighbours:
        last_shared = max(position_of[item] for item in session & set(current))
        for item in session:
            scores[item] += similarity * NEIGHBOUR_WEIGHTS[decay](last_shared, length)
    holders = [sum(item in session for session in recent_first) for item in range(num_items)]
    return [
        score * (1 + idf * log(len(training) / count)) if count else 0.0
        for score, count in zip(scores, holders, strict=True)
    ]


def stan_scores(
    current: Session,
    training: list[Session],
    ends: list[float],
    num_items: int,
    *,
    now: float,
    k: int,
    sample: int,
    lambda1: float,
    lambda2: float,
    lambda3: float,
) -> list[float]:
    """STAN of Garg et al. 2019; `training` stands in the order of its sessions' ends, in days."""
    length = len(current)
    position_of = {item: position for position, item in enumerate(current, start=1)}
    pairs = list(zip(training, ends, strict=True))[::-1]
    sampled = [(session, end) for session, end in pairs if set(session) & set(current)][:sample]

    def similarity(session: Session, end: float) -> float:
        shared = set(session) & set(current)
        alike = sum(exp((position_of[item] - length) / lambda1) for item in shared)
        size = sqrt(len(set(session)) * len(set(current)))
        return alike / size * exp(-(now - end) / lambda2)

    similar = [(similarity(session, end), session) for session, end in sampled]
    scores = [0.0] * num_items
    for weight, session in sorted(similar, key=lambda pair: -pair[0])[:k]:
        place_of = {item: place for place, item in enumerate(session)}
        nearest = max(set(session) & set(current), key=lambda item: position_of[item])
        for item, place in place_of.items():
            scores[item] += weight * exp(-abs(place - place_of[nearest]) / lambda3)
    return scores


def rule_scores(
    current: Session, training: list[Session], num_items: int, *, steps: int, decay: str
) -> list[float]:
    """Sequential rules of Ludewig & Jannach 2018."""
    scores = [0.0] * num_items
    for session in training:
        for at, item in enumerate(session):
            for step, follower in enumerate(session[at + 1 : at + 1 + steps], start=1):
                if item == current[-1]:
                    scores[follower] += 1 / step if decay == "div" else 1
    return scores


def item_knn_scores(
    current: Session, training: list[Session], num_items: int, *, neighbours: int, damping: float
) -> list[float]:
    """The damped cosine of the last item's sessions with each other item's."""
    last = current[-1]

    def sessions_with(*items: int) -> int:
        return sum(set(items) <= set(session) for session in training)

    scores = [0.0] * num_items
    for item in range(num_items):
        if item != last and (both := sessions_with(item, last)):
            own, other = sessions_with(last) + damping, sessions_with(item) + damping
            scores[item] = both / sqrt(own * other)
    best = sorted(range(num_items), key=lambda item: (-round(scores[item], 12), item))[:neighbours]
    return [score if item in best else 0.0 for item, score in enumerate(scores)]
