"""README and guide cannot rot: commands, links, set-up lines and exit codes are compared."""

import re
import shlex

import pytest
import typer

from sbrcli.cli.app import EXIT_CODES, app
from sbrcli.errors import ExitCode
from sbrcli.guide.pages import TOPICS
from tests.documents import DOCUMENTS, PAGES, code_lines, sbr_commands
from tests.guide_reference import GUIDE, README, REFERENCE, make_reference

TEXT = README.read_text(encoding="utf-8")
SETUP_LINES = [line for line in TEXT.splitlines() if re.match(r"pip install .*&&", line)]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_the_reference_is_what_help_says():
    assert REFERENCE.read_text(encoding="utf-8") == make_reference()


def test_every_command_and_option_has_a_help_text():
    for command in COMMANDS.values():
        assert command.help
        assert command.epilog.startswith("Example: sbr ")
        assert all(parameter.help for parameter in command.params)


def test_the_two_setup_lines_run_the_demo_and_then_the_tests():
    first, second = SETUP_LINES
    assert first.endswith("&& sbr demo")
    assert second.endswith("&& pytest")


def test_the_ci_run_takes_the_second_setup_line_from_the_readme():
    script = (README.parent / ".ci" / "run").read_text(encoding="utf-8")
    assert "grep -E '^pip install .*&&' README.md | sed -n 2p" in script


def test_the_ci_run_names_tests_that_are_there():
    root = README.parent
    named = re.findall(r"tests/\S+", (root / ".ci" / "run").read_text(encoding="utf-8"))
    assert named
    for name in named:
        assert list(root.glob(re.sub(r"{.*}", "*", name))), name


def test_every_exit_code_is_documented_in_the_guide_and_in_help():
    text = (GUIDE / "artefacts.md").read_text(encoding="utf-8")
    for code in ExitCode:
        assert re.search(rf"^\| {code.value} \|", text, re.MULTILINE)
        assert re.search(rf"\b{code.value} ", EXIT_CODES)


def test_the_readme_has_at_most_300_lines():
    assert len(TEXT.splitlines()) <= 300


def test_every_page_of_the_guide_is_a_topic_and_is_linked_from_the_readme():
    assert sorted(f"{topic}.md" for topic in TOPICS) == [page.name for page in PAGES]
    for topic in TOPICS:
        assert f"| [{topic}](sbrcli/guide/{topic}.md) |" in TEXT


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_document_holds_the_two_sides_of_a_merge(document):
    marks = re.findall(
        r"^(?:<{7} |={7}$|>{7} ).*", document.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert marks == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)]+)\)", document.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_of_a_document_have_the_options_that_it_names(document):
    for line in sbr_commands(document):
        _, *words = shlex.split(line.replace("…", ""))
        name = next((word for word in words if not word.startswith("-")), None)
        if name is None or name.isupper():  # `sbr --version`, `sbr COMMAND --help`
            continue
        assert name in COMMANDS, line
        parameters = COMMANDS[name].params
        known = {option for p in parameters for option in (*p.opts, *p.secondary_opts)}
        assert {word for word in words if re.match(r"--?[a-z]", word)} <= known | {"--help"}, line


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_code_of_a_page_has_room_on_a_terminal_of_80_columns(page):
    languages = ("sh", "console", "text", "python")
    text = page.read_text(encoding="utf-8").replace(" \\\n", "\n")
    assert all(len(line) <= 76 for line in code_lines(text, *languages))


def test_the_files_that_the_page_on_extending_names_exist():
    text = (GUIDE / "extending.md").read_text(encoding="utf-8")
    paths = re.findall(r"`(sbrcli/[^`]+)`", text)
    paths += [f"sbrcli/{folder}" for folder in re.findall(r"^\| `(\w+/)` \|", text, re.MULTILINE)]
    assert len(paths) > 20
    assert [path for path in paths if not (README.parent / path).exists()] == []


def test_the_commands_of_the_documents_are_found():
    found = [line for document in DOCUMENTS for line in sbr_commands(document)]
    assert "sbr preprocess - --event view,addtocart" in found
    assert "sbr recommend --items 3186,1270 -k 5" in found
    assert len(found) > 100
