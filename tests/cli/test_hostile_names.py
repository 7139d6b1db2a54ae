"""Ids, titles and names made to act on a terminal print harmlessly, on each way out."""

import csv
import json
import os
import pty
from collections.abc import Callable
from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp

import pyarrow.parquet as pq
import pytest

from tests.accidents.processes import shell
from tests.warm import WarmProcess

HOSTILE = [
    "\x1b[31mred",
    "\x1b]8;;http://x\x07link",
    "bell\x07",
    "\u202eback",
    "\x9b31m",
    "\x7f",
    "[bold]x[/bold]",
    "[/]",
    "[link=http://x]y",
    "tab\tin",
    "line\nbreak",
    "\\n",
    "é日本",
]
SHOWN = [
    "\\x1b[31mred",
    "\\x1b]8;;http://x\\x07link",
    "bell\\x07",
    "\\u202eback",
    "\\x9b31m",
    "\\x7f",
    "[bold]x[/bold]",
    "[/]",
    "[link=http://x]y",
    "tab\\tin",
    "line\\nbreak",
    "\\n",
    "é日本",
]


@cache
def _trained() -> Path:
    root = Path(mkdtemp(prefix="sbr-hostile-"))
    with (root / "log.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user", "item", "time"])
        for user in range(60):
            for event in range(6):
                item = HOSTILE[(user + event) % len(HOSTILE)]
                rows.writerow([f"\x1b[31m{user}", item, user * 86_400 + 60 * event])
    with (root / "titles.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["item", "title"], *([n, f"T {n}"] for n in HOSTILE)])
    small = "--hsz 4 --batch-size 4 --bptt 4 --epochs 1"
    prepare = "--titles titles.csv --test-days 10 --valid-days 10"
    ended = shell(
        f"cd {root} && sbr preprocess log.csv {prepare} --name '[red]d' && "
        f"sbr train --name '[red]r' {small} --quiet",
        is_warm=True,
    )
    assert ended.code == 0, ended.stderr
    return root


@pytest.fixture(autouse=True)
def trained(tmp_path: Path) -> None:
    copytree(_trained(), tmp_path, dirs_exist_ok=True)


def on_terminal(*words: str) -> tuple[str, int | None]:
    """Run `sbr` on a terminal of its own; give all that it shows there."""
    ours, its = pty.openpty()
    with open(os.devnull) as nothing:  # noqa: PTH123
        streams = {0: nothing.fileno(), 1: its, 2: its}
        process = WarmProcess(
            "sbrcli", *words, env=os.environ | {"COLUMNS": "200"}, streams=streams
        )
    os.close(its)
    shown = bytearray()
    while True:
        try:
            read = os.read(ours, 1 << 16)
        except OSError:  # Linux's answer where the other end is closed
            break
        if not read:
            break
        shown += read
    os.close(ours)
    return shown.decode().replace("\r\n", "\n"), process.wait(timeout=120)


def require_harmless(text: str, styled: bool = False) -> None:
    """Check that nothing acts on a terminal but tabs, line ends and, where asked, Rich's styles."""
    if styled:
        for style in ("0", "1", "2", "3", "1;31", "1;33", "1;36"):
            text = text.replace(f"\x1b[{style}m", "")
        text = text.replace("\x1b[2K", "").replace("\x1b[A", "")
    assert [c for c in text if not c.isprintable() and c not in "\n\t\r"] == []


COMMANDS = {
    "stats": ["stats", "log.csv"],
    "preprocess": ["preprocess", "log.csv", "--name", "[red]new", "--titles", "titles.csv"],
    "recommend": ["recommend", "--items", json.dumps([HOSTILE[0], "\x1b[31mnone[/]"]), "-k", "99"],
    "evaluate": ["evaluate", "--slices", "--hybrid", "--baselines", "all"],
    "compare": ["compare"],
}
COMMANDS["preprocess"] += ["--test-days", "10", "--valid-days", "10"]


@pytest.mark.parametrize("name", COMMANDS)
def test_in_a_pipe_and_as_json_nothing_acts_on_a_terminal(sbr, name):
    for more in ([], ["--json"]):
        said = sbr(*COMMANDS[name], *more)
        assert said.code == 0, said.stderr
        require_harmless(said.stdout)
        require_harmless(said.stderr)


@pytest.mark.parametrize("name", ["recommend", "evaluate", "preprocess"])
def test_on_a_terminal_nothing_acts_but_our_own_styles(name):
    shown, code = on_terminal(*COMMANDS[name], "--quiet")
    assert code == 0, shown
    require_harmless(shown, styled=True)


def test_a_recommendation_shows_each_name_as_it_is_written_and_gives_json_as_it_is(sbr):
    words = ["recommend", "--items", json.dumps(HOSTILE[:1]), "-k", "99", "--include-seen"]
    rows = [line.split("\t") for line in sbr(*words).stdout.splitlines()[1:]]
    assert sorted(row[1] for row in rows) == sorted(SHOWN)
    assert sorted(row[3] for row in rows) == sorted(f"T {name}" for name in SHOWN)
    items = json.loads(sbr(*words, "--json").stdout)["items"]
    assert sorted(item["item"] for item in items) == sorted(HOSTILE)
    shown = sbr(*words, terminal=True).stdout
    assert all(name in shown for name in SHOWN)


def test_per_event_rows_have_the_ids_as_they_are(sbr):
    assert sbr("evaluate", "--per-event", "rows.parquet", "--quiet").code == 0
    rows = pq.read_table("rows.parquet").to_pylist()
    assert {row["target"] for row in rows} <= set(HOSTILE)
    assert all(row["session"].startswith("\x1b[31m") for row in rows)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["stats", "\x1b[31mno[/]\x07"], 3),
        (["stats", "columns.csv"], 3),
        (["stats", "log.csv", "--columns", "user=\x1b[31mx[/],item=item,time=time"], 3),
        (["stats", "log.csv", "--tz", "\x1b[31m[/]"], 4),
        (["stats", "log.csv", "--\x1b[31m[/]"], 2),
        (["\x1b[31m[/]"], 2),
        (["recommend", "--items", "\x1b[31mnone[/]"], 3),
        (["recommend", "--items", "1", "-k", "\x1b[31m[/]"], 2),
        (["recommend", "--items", "1", "--titles", "\x1b[31m[/]"], 3),
        (["evaluate", "--run", "\x1b[31m[/]"], 4),
        (["evaluate", "--split", "\x1b[31m[/]"], 2),
        (["evaluate", "--per-event", "\x1b[31m[/]/x"], 4),
        (["--workdir", "\x1b[31m[/]", "evaluate"], 5),
    ],
    ids=str,
)
def test_what_an_error_says_of_the_users_words_acts_on_no_terminal(sbr: Callable, words, code):
    Path("columns.csv").write_text("us\x1b[31mer[/],\x07item\n1,2\n")
    for terminal in (False, True):
        said = sbr(*words, terminal=terminal)
        assert (said.code, said.stdout) == (code, "")
        require_harmless(said.stderr, styled=True)
        assert "[/]" in said.stderr
