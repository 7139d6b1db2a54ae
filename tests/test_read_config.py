import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import ConfigError


def test_columns_are_named_by_what_they_are():
    config = ReadConfig(columns=" user = visitor id ,time=t=0")
    assert config.named_columns == {"user": "visitor id", "time": "t=0"}


def test_separators_may_be_words():
    assert [ReadConfig(sep=sep).separator for sep in ("tab", "\\t", "::", "comma", None)] == [
        "\t",
        "\t",
        "::",
        ",",
        None,
    ]


def test_events_are_parted_by_commas():
    assert ReadConfig(event="view, buy,").events == ("view", "buy")
    assert ReadConfig().events == ()


def test_ids_to_drop_go_by_their_role():
    config = ReadConfig(drop_id="user=-,guest, item=a=b,user=,0")
    assert config.dropped_ids == {"user": ("-", "guest", "", "0"), "item": ("a=b",)}
    assert ReadConfig().dropped_ids == {}


def test_separators_of_lists_may_be_words():
    separators = [ReadConfig(list_sep=sep).list_separator for sep in ("space", "|", None)]
    assert separators == [" ", "|", None]


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (
            {"drop_id": "guest"},
            "drop-id must be written as ROLE=ID with commas between, each ROLE one of user, "
            "session, item. Received: guest",
            "for example --drop-id user=-,guest,item=0",
        ),
        (
            {"no_time": True, "time_unit": "ms"},
            "no-time goes with none of time-unit, time-format and a column of the time. Received: "
            "no-time",
            None,
        ),
        ({"list_sep": ""}, "list-sep must be one character or more. Received: ''", None),
        (
            {"columns": "visitor"},
            "columns must be written as ROLE=NAME with commas between, each of user, session, "
            "item, time, event, rating at most once. Received: visitor",
            "for example --columns user=visitorid,item=itemid,time=timestamp",
        ),
        (
            {"columns": "user=a,user=b"},
            "columns must be written as ROLE=NAME with commas between, each of user, session, "
            "item, time, event, rating at most once. Received: user=a,user=b",
            "for example --columns user=visitorid,item=itemid,time=timestamp",
        ),
        (
            {"columns": "user=a,item=a"},
            "columns must name each column once. Received: user=a,item=a",
            None,
        ),
        (
            {"sep": ""},
            "sep must be one character or more, without quotes, line ends and zero bytes. "
            "Received: ''",
            None,
        ),
        (
            {"time_unit": "weeks"},
            "time-unit must be one of auto, s, ms, us, ns, ds, cs, min, h, d, ticks, filetime, "
            "webkit, apple, mac, ntp, gps, excel, excel1904, matlab, julian, digits, yymmdd, mmdd. "
            "Received: weeks",
            None,
        ),
        (
            {"time_unit": "ms", "time_format": "%Y"},
            "time-format is for dates in words, and time-unit for numbers. Received: ms",
            None,
        ),
        ({"event": " ,"}, "event must name an event. Received:  ,", None),
        (
            {"encoding": "klingon"},
            "encoding must be one that Python knows. Received: klingon",
            "for example --encoding latin-1, cp1252, shift_jis or utf-16",
        ),
        (
            {"encoding": "hex"},
            "encoding must be one that Python knows. Received: hex",
            "for example --encoding latin-1, cp1252, shift_jis or utf-16",
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused(options: dict, message: str, hint: str | None):
    with pytest.raises(ConfigError) as caught:
        ReadConfig(**options)
    assert (str(caught.value), caught.value.hint) == (message, hint)
