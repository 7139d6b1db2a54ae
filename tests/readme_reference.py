"""The README's reference, made of what `--help` is made of.

`python -m tests.readme_reference` writes it between the README's two markers; a test compares.
"""

import re
from pathlib import Path

import typer

from sbrcli.cli.app import app

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- reference: begin -->\n", "<!-- reference: end -->"
_GLOBAL = {"--json", "--quiet", "--workdir", "--help"}


def make_reference() -> str:
    """Write a section for each subcommand: what it does, its options, its example."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return "\n".join(_section(name, command) for name, command in commands.items())


def read_reference() -> str:
    """Give the README's reference as it stands."""
    text = README.read_text(encoding="utf-8")
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)]


def _section(name: str, command: object) -> str:
    rows = [_row(parameter) for parameter in command.params if _is_own(parameter)]  # type: ignore[attr-defined]
    table = ["| option | what it does |", "|---|---|", *rows, ""] if rows else []
    about = " ".join(command.help.split())  # type: ignore[attr-defined]
    example = command.epilog.removeprefix("Example: ")  # type: ignore[attr-defined]
    return "\n".join([f"### `sbr {name}`", "", about, "", *table, f"Example: `{example}`", ""])


def _is_own(parameter: object) -> bool:
    return not _GLOBAL & set(parameter.opts)  # type: ignore[attr-defined]


def _row(parameter: object) -> str:
    metavar = parameter.metavar or ""  # type: ignore[attr-defined]
    is_argument = parameter.param_type_name == "argument"  # type: ignore[attr-defined]
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])  # type: ignore[attr-defined]
    words = metavar if is_argument else f"{names} {metavar}".strip()
    text = re.sub(r"\\\[", "[", parameter.help or "")  # type: ignore[attr-defined]
    default = getattr(parameter, "default", None)
    if default not in (None, False) and not is_argument and "[default" not in text:
        text += f" [default: {default}]"
    return f"| `{words.replace('|', chr(92) + '|')}` | {text.replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    before = README.read_text(encoding="utf-8")
    start, stop = before.index(BEGIN) + len(BEGIN), before.index(END)
    README.write_text(before[:start] + make_reference() + before[stop:], encoding="utf-8")
