"""Generate the demo's log: seeded, with a structure that a model can learn.

Films belong to sagas of several parts, sagas to genres. A viewer mostly continues with the next
part of a saga, sometimes begins another saga of the genre, and rarely changes the genre: a
first-order Markov chain, whose best possible prediction is the next part.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.manifests import write_atomically

IntArray = npt.NDArray[np.integer]

SEED = 20
NUM_USERS = 2400
NEXT_PART, SAME_GENRE = 0.6, 0.3
PARTS = 6
SAGAS = {
    "Western": ("Dust Road", "Iron Spur", "Last Canyon", "Red Mesa"),
    "Comedy": ("Odd Neighbours", "Wrong Wedding", "Two Left Shoes", "Soup Day"),
    "Noir": ("Rain on Glass", "The Quiet Clerk", "Harbour Lights", "Number Nine"),
    "Space": ("Far Orbit", "Cold Signal", "Moon Ferry", "Ninth Sun"),
    "Fantasy": ("Salt Crown", "Owl King", "Paper Dragon", "The Low Gate"),
    "Crime": ("Glass Key", "Blue Alibi", "Slow Burn", "The Ledger"),
}
_FIRST_DAY = 978_307_200  # 2001-01-01 00:00:00 UTC
_DAYS = 365
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class DemoLog:
    """Paths of the demo's two files."""

    ratings: Path
    titles: Path


def write_demo_log(folder: Path) -> DemoLog:
    """Write `ratings.dat` and `movies.dat` in MovieLens' format; the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    log = DemoLog(folder / "ratings.dat", folder / "movies.dat")
    rng = np.random.default_rng(SEED)
    lines: list[str] = []
    for user in range(1, NUM_USERS + 1):
        films = draw_films(rng, 4 + rng.poisson(16))
        ratings = rng.choice([1, 2, 3, 4, 5], len(films), p=[0.05, 0.1, 0.25, 0.35, 0.25])
        pauses = rng.exponential(900, len(films)) + 60
        first = _FIRST_DAY + rng.uniform(0, _DAYS * _DAY)
        times = (first + np.cumsum(pauses)).astype(np.int64)
        lines += [
            f"{user}::{film + 1}::{rating}::{time}\n"
            for film, rating, time in zip(films, ratings, times, strict=True)
        ]
    write_atomically(log.ratings, "".join(lines).encode())
    write_atomically(log.titles, "".join(_title_lines()).encode())
    return log


def draw_films(rng: np.random.Generator, count: int) -> list[int]:
    """Draw one viewer's films, indices 0 to the number of films - 1, no film twice in a row."""
    num_sagas = sum(map(len, SAGAS.values()))
    per_genre = num_sagas // len(SAGAS)
    saga, part = int(rng.integers(num_sagas)), 0
    films = []
    for _ in range(count):
        films.append(saga * PARTS + part)
        chance = rng.random()
        if chance < NEXT_PART and part + 1 < PARTS:
            part += 1
            continue
        part = 0
        if chance < NEXT_PART + SAME_GENRE:
            others = np.arange(per_genre) + saga // per_genre * per_genre
        else:
            others = np.arange(num_sagas)
        # The first sagas of a genre are the popular ones.
        weights = np.where(others == saga, 0.0, 1.0 / (1 + others % per_genre))
        saga = int(rng.choice(others, p=weights / weights.sum()))
    return films


def _title_lines() -> list[str]:
    lines = []
    for genre, sagas in SAGAS.items():
        for saga in sagas:
            for part in range(1, PARTS + 1):
                lines.append(f"{len(lines) + 1}::{saga}, part {part}::{genre}\n")
    return lines
