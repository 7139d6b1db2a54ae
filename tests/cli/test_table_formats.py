"""Tables for papers and spreadsheets: what has a meaning there is escaped."""

from sbrcli.cli.table_formats import write_tables
from sbrcli.cli.tables import Table

ODD = Table("50 % of a|b", ("a_b", "n"), [(r"x\y~^{}$#&%_<>|", 1), (None, 0.5), ('a,"b"', None)])


def test_markdown_escapes_what_would_end_a_cell_or_format_it():
    assert write_tables([ODD], "md") == (
        "**50 % of a\\|b**\n\n"
        "| a\\_b | n |\n"
        "|---|---:|\n"
        "| x\\\\y\\~^{}$\\#&%\\_\\<\\>\\| | 1 |\n"
        "|  | 0.5 |\n"
        '| a,"b" |  |'
    )


def test_latex_escapes_every_sign_of_its_own():
    assert write_tables([ODD], "latex").splitlines() == [
        "% 50 % of a|b",
        r"\begin{tabular}{lr}",
        r"a\_b & n \\",
        r"\hline",
        r"x\textbackslash{}y\textasciitilde{}\textasciicircum{}\{\}\$\#\&\%\_"
        r"\textless{}\textgreater{}\textbar{} & 1 \\",
        r" & 0.5 \\",
        r'a,"b" &  \\',
        r"\end{tabular}",
    ]


def test_csv_quotes_what_it_must_and_tables_stand_apart():
    small = Table("", ("a",), [("1,5",)])
    assert write_tables([small, small], "csv") == 'a\n"1,5"\n\na\n"1,5"'
    assert '"a,""b""",' in write_tables([ODD], "csv")
