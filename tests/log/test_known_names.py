"""Public logs known by their columns, with and without a header."""

from pathlib import Path

import pytest

from sbrcli.errors import DataError
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log


def read_text(folder: Path, text: str) -> tuple[str, list]:
    path = folder / "log"
    path.write_text(text)
    log = read_log(path, counts_kinds=True)
    columns = [name for name in log.events if name != "rating"]
    return describe_reading(log).removeprefix("read as "), log.events.iloc[0][columns].tolist()


@pytest.mark.parametrize(
    ("text", "said", "event"),
    [
        (
            "71,501,7,pv,1614585600\n",
            "Taobao UserBehavior (comma separated, no header): user=1, item=2, time=5 in seconds, "
            "event=4",
            [71, 501, 1614585600],
        ),
        (
            "A71,0050,5.0,1614585600\n",
            "Amazon 2014 ratings (comma separated, no header): user=1, item=2, time=4 in seconds",
            ["A71", "0050", 1614585600],
        ),
        (
            "0050,A71,5.0,1614585600\n",
            "Amazon 2018 ratings (comma separated, no header): user=2, item=1, time=4 in seconds",
            ["A71", "0050", 1614585600],
        ),
        (
            "71\t2021-03-01T08:00:00Z\t30.2\t-97.7\t501\n",
            "Gowalla check-ins (tab separated, no header): user=1, item=5, time=2 in ISO 8601",
            [71, 501, 1614585600],
        ),
        (
            "71,2021-03-01T08:00:00.000Z,501,1046,1\n",
            "Yoochoose buys (comma separated, no header): session=1, item=3, time=2 in ISO 8601",
            [71, 501, 1614585600],
        ),
        (
            "71\t4bx\t4bf5\tArts\t40.7\t-74.0\t-240\tMon Mar 01 08:00:00 +0000 2021\n",
            "Foursquare check-ins (tab separated, no header): user=1, item=2, time=8 in dates (Wed "
            "Mar 31 08:00:00 2021)",
            [71, "4bx", 1614585600],
        ),
        (
            "71\t4bx\tMon Mar 01 08:00:00 +0000 2021\t-240\n",
            "Foursquare check-ins (tab separated, no header): user=1, item=2, time=3 in dates (Wed "
            "Mar 31 08:00:00 2021)",
            [71, "4bx", 1614585600],
        ),
    ],
)
def test_a_log_without_header_is_known_by_its_rows(tmp_path, text, said, event):
    assert read_text(tmp_path, text) == (said, event)


@pytest.mark.parametrize(
    "text",
    [
        *("71,501,7,12,1614585600\n", "71,501,5.0,1614585600\n", "A71,501,9.0,1614585600\n"),
        *("A71,501,5.0,1614\n", "71\t2021-03-01T08:00:00Z\ta\tb\t501\n"),
    ],
)
def test_rows_that_only_look_alike_are_refused(tmp_path, text):
    with pytest.raises(DataError, match="not a layout that sbr knows"):
        read_text(tmp_path, text)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("uid,article_id,t_dat", "user=uid, item=article_id, time=t_dat"),
        ("customer-id,sku,date", "user=customer-id, item=sku, time=date"),
        ("session_id,reference,created_at", "session=session_id, item=reference, time=created_at"),
        ("user_id,sku_id,action_time,type", "time=action_time in seconds"),
        ("user_id,click_article_id,click_timestamp", "item=click_article_id, time=click_timestamp"),
        ("userId,venueId,utcTimestamp", "user=userId, item=venueId, time=utcTimestamp"),
        ("CUSTOMER_ID,PRODUCT_ID,TRANSACTION_DT", "item=PRODUCT_ID, time=TRANSACTION_DT"),
        ("user,adgroup_id,time_stamp", "user=user, item=adgroup_id, time=time_stamp"),
        ("uuid,document_id,timestamp", "user=uuid, item=document_id, time=timestamp"),
        ("uid,campaign,timestamp", "user=uid, item=campaign, time=timestamp"),
        # The first name of each role goes before, and one of a lesser rank does nothing.
        ("deviceid,userId,videoId,item_id,ts", "user=userId, item=item_id, time=ts"),
        ("visit_id,user_id,movie_id,time", "user=user_id, item=movie_id, time=time"),
        ("session_id,customer_id,item_id,time", "session=session_id, item=item_id, time=time"),
    ],
)
def test_less_usual_names_count_where_no_other_is_there(tmp_path, header, said):
    row = ",".join("1614585600" if at == header.count(",") else "7" for at in range(5))
    text = f"{header}\n{','.join(row.split(',')[: header.count(',') + 1])}\n"
    assert said in read_text(tmp_path, text)[0]


def test_a_column_that_could_be_the_time_too_is_named(tmp_path):
    path = tmp_path / "log"
    path.write_text("user,item,time,created_at\n1,2,1614585600,1614585605\n")
    assert describe_reading(read_log(path)) == (
        "read as a table (comma separated, header): user=user, item=item, time=time in seconds; "
        "left out: columns that may be the time: created_at"
    )


def test_a_column_that_could_be_the_items_too_is_named(tmp_path):
    path = tmp_path / "log"
    path.write_text("user,item_id,product_id,time\n1,2,3,1614585600\n")
    assert describe_reading(read_log(path)) == (
        "read as a table (comma separated, header): user=user, item=item_id, time=time in seconds; "
        "left out: columns that may be the item: product_id"
    )


def test_hours_played_are_no_hour_of_the_day(tmp_path):
    path = tmp_path / "log"
    path.write_text("user_id,app_id,date,hours\n1,2,2021-03-01,3\n")
    assert "time=date in ISO 8601" in describe_reading(read_log(path))


def test_dates_of_an_unknown_format_are_refused_with_the_option_that_reads_them(tmp_path):
    path = tmp_path / "log"
    path.write_text("user,item,time\n1,2,2021-03-01-08-00-00\n")
    with pytest.raises(DataError, match="is not a number") as error:
        read_log(path)
    assert error.value.hint == (
        "times are numbers, or all of them dates as 2014-04-07T10:51:09Z; --time-format says how "
        "other dates are written, as in '%d.%m.%y %H:%M'; correct the line, or leave such rows out "
        "with --skip-bad-rows"
    )


@pytest.mark.parametrize(
    ("row", "layout", "hint"),
    [
        (
            "user_000071\t2021-03-01T08:00:00Z\tf1b1\tDeep Dish\t\tFlashdance",
            "the layout of Last.fm-1K",
            "--columns user=1,time=2,item=6 takes the tracks by their names, item=4 the artists",
        ),
        (
            f"{71:040x}\tf1b1\tDeep Dish\t7",
            "the layout of Last.fm-360K, which has plays and no times",
            "--no-time --no-header --columns user=1,item=3 takes the artists in the order of the "
            "file",
        ),
        (
            "1\tU71\t3/1/2021 8:00:00 AM\tN1 N2\tN501-1 N502-0",
            "the layout of MIND",
            "--columns user=2,time=3,item=5 --list-sep space takes the news that were clicked",
        ),
    ],
)
def test_a_layout_that_leaves_a_choice_is_named_with_what_to_type(tmp_path, row, layout, hint):
    with pytest.raises(DataError) as caught:
        read_text(tmp_path, f"{row}\n")
    fields = ", ".join(row.split("\t"))
    assert str(caught.value) == (
        f"{tmp_path / 'log'}: {layout}, without a header; its first line has {fields}"
    )
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (
            "fullVisitorId,visitNumber,productSKU,visitStartTime",
            "user=fullVisitorId, item=productSKU, time=visitStartTime",
        ),
        ("export.user_id,n,export.item_id,export.created_at", None),
        ("Customer User ID,n,Product ID,Order Date", None),
    ],
)
def test_names_of_exports_are_known(tmp_path, header, names):
    fields = header.split(",")
    expected = names or f"user={fields[0]}, item={fields[2]}, time={fields[3]}"
    said, event = read_text(tmp_path, f"{header}\n71,5,501,1614585600\n")
    assert f": {expected} in seconds" in said
    assert event == [71, 501, 1614585600]


def test_a_column_that_counts_each_users_sessions_is_named(tmp_path):
    said, _ = read_text(tmp_path, "user,session_number,item,time\n71,1,501,1614585600\n")
    assert said.endswith("left out: columns that may be the session: session_number")


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        (
            "user,DAY,item",
            "where none is, --no-time takes the events in the order of the file; --columns "
            "time=DAY --time-unit d takes days that are counted",
        ),
        ("user,item_ids,time", "--columns item=item_ids with --list-sep opens lists of items"),
        (
            "order_id,product_id,time",
            "--columns session=order_id takes each of its values for a session",
        ),
    ],
)
def test_what_a_column_may_be_taken_for_is_reported_where_one_is_missing(tmp_path, header, hint):
    with pytest.raises(DataError) as caught:
        read_text(tmp_path, f"{header}\n1,2,3\n")
    assert str(caught.value.hint).endswith(f"; {hint}")


@pytest.mark.parametrize("kinds", [("view", "add_to_cart"), ("Clicked", "purchases"), ("PV",)])
def test_a_column_of_kinds_is_known_by_its_values(tmp_path, kinds):
    rows = "".join(f"71,501,1614585600,{kind}\n" for kind in kinds)
    said, _ = read_text(tmp_path, f"user,item,time,category\n{rows}")
    assert "event=category" in said
    (tmp_path / "log").write_text(
        "".join(f'{{"user":1,"item":2,"time":3,"what":"{kind}"}}\n' for kind in kinds)
    )
    assert read_log(tmp_path / "log", counts_kinds=True).event_kinds == dict.fromkeys(kinds, 1)


def test_a_column_with_other_words_or_none_names_no_kinds(tmp_path):
    for words in (("view", "shoes"), ("", ""), ("1", "2")):
        rows = "".join(f"71,501,1614585600,{word}\n" for word in words)
        assert "event=" not in read_text(tmp_path, f"user,item,time,category\n{rows}")[0]
