"""What is said of a log that was read, in full."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.log.quality.description import describe_doubts, describe_log_as_read, describe_reading
from sbrcli.log.reading import read_log

READ = "read as a table (comma separated, header): user=user, item=item, time=time in seconds"
KINDS = READ + ", event=event; first event: user ann, item 7, 2000-12-31 22:12:40 UTC"
EVENTS = "user,item,time,event\nann,7,978300760,view\nann,8,978300770,view\nbob,7,978300780,cart\n"


def described(text: str, **options) -> tuple[str, str]:
    Path("log").write_text(text)
    return describe_log_as_read(read_log(Path("log"), ReadConfig(**options), counts_kinds=True))


def test_the_first_event_is_that_of_the_first_row():
    text = "user,item,time\nbob,7,978300780\nann,8,978300760\n"
    assert described(text) == (
        f"{READ}; first event: user bob, item 7, 2000-12-31 22:13:00 UTC",
        "left out: nothing",
    )


def test_the_first_event_names_its_session():
    read, _ = described("user,session,item,time\nbob,s1,7,978300760.25\n")
    assert read.endswith(
        "; first event: user bob, session s1, item 7, 2000-12-31 22:12:40.250000 UTC"
    )


def test_a_long_id_is_cut_and_a_line_end_in_one_is_written_as_such():
    read, _ = described(f'user,item,time\n"b\nob",{"x" * 41},978300760\n')
    assert read.endswith(f"first event: user b\\nob, item {'x' * 37}..., 2000-12-31 22:12:40 UTC")


def test_times_are_those_of_the_zone():
    Path("log").write_text("user,item,time\nbob,7,978300760\n")
    read, _ = describe_log_as_read(read_log(Path("log")), ZoneInfo("Asia/Seoul"))
    assert read.endswith(" 2001-01-01 07:12:40 +09:00")


def test_kinds_of_events_are_counted_and_one_of_them_is_offered():
    assert described(EVENTS) == (
        KINDS,
        "left out: nothing; kinds of events: view 2, cart 1; --event view keeps one kind",
    )


def test_events_of_other_kinds_are_left_out():
    assert described(EVENTS, event="view") == (KINDS, "left out: events of other kinds: 1")


def test_of_many_kinds_the_first_five_are_shown():
    text = "user,item,time,event\n" + "".join(f"a,1,{at},add to {at % 7}\n" for at in range(7000))
    shown = ", ".join(f"add to {at} 1,000" for at in range(5))
    _, left_out = described(text)
    assert left_out == (
        f"left out: nothing; kinds of events: {shown}, 2 more; --event 'add to 0' keeps one kind"
    )


@pytest.mark.parametrize("kinds", [["view"], ["view"] * 4, [f"k{at}" for at in range(101)], [""]])
def test_nothing_is_offered_of_one_kind_of_no_kind_and_of_what_names_no_kinds(kinds: list[str]):
    rows = (f"a,1,{at},{kind}\n" for at, kind in enumerate(kinds))
    assert described("user,item,time,event\n" + "".join(rows))[1] == "left out: nothing"


def test_all_that_was_left_out_is_named_in_one_line():
    text = "user,item,time,sku\nann,7,978300760,a\n,7,978300770,b\n-,8,978300780,c\n"
    options = {"skip_bad_rows": True, "drop_id": "user=-"}
    left_out = (
        "left out: rows that cannot be events: 1, the first: line 3: the user id is empty; "
        "events of ids that --drop-id names: 1; columns that may be the item: sku"
    )
    assert described(text, **options)[1] == left_out
    log = read_log(Path("log"), ReadConfig(**options))
    assert describe_reading(log) == f"{READ}; {left_out}"


@pytest.mark.parametrize(
    ("warnings", "said"),
    [
        ([], "nothing doubtful"),
        (["The log has one item. Check which."], "doubtful: The log has one item"),
        (["All times lie in 1970: they seem so."], "doubtful: All times lie in 1970"),
        (["Two things; both odd.", "One."], "doubtful: Two things; 2 warnings in all"),
        (["One."], "doubtful: One"),
    ],
)
def test_of_warnings_the_first_is_reported_in_short(warnings: list[str], said: str):
    assert describe_doubts(warnings) == said
