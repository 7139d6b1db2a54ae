"""`sbr demo`: the full pipeline on a synthetic log."""

import shlex
from pathlib import Path

import typer

from sbrcli.artefacts.workspace import DEFAULT_WORKDIR
from sbrcli.cli.options import Invocation, subcommand
from sbrcli.cli.serve import missing_packages
from sbrcli.errors import ArtefactError, ExitCode

DEMO_WORKDIR = Path("sbr-demo")

_BODY = '{"items": ["1", "2", "3"], "k": 5}'


def register(app: typer.Typer) -> None:
    """Add `demo` to the application."""
    subcommand(app, example="sbr demo")(demo)


def demo(invocation: Invocation) -> None:
    """Run the full pipeline on a small synthetic log, and show each command as you would type it.

    It takes about a minute, and ends by serving the run briefly and sending it one HTTP request, if
    the extra serve is installed. All files are written to the folder sbr-demo.
    """
    from sbrcli.cli.app import run
    from sbrcli.log.synthetic import write_demo_log

    root = invocation.workspace.root
    folder = DEMO_WORKDIR if root == DEFAULT_WORKDIR else root
    try:
        log = write_demo_log(folder)
    except OSError as error:
        raise ArtefactError(
            f"cannot write the demo's log to {folder}: {error.strerror}",
            hint="run sbr demo in a folder of your own, or name another with --workdir",
        ) from error
    say = invocation.output.note
    say(
        f"Wrote a synthetic log of watched films to {log.ratings}, and their titles to "
        f"{log.titles}."
    )
    for command in _commands(str(log.ratings), str(log.titles), str(folder)):
        say(f"\n$ {shlex.join(['sbr', *command])}")
        code = run([*command, *_global_words(invocation)])
        if code != ExitCode.OK:
            raise typer.Exit(code)
    _serve(invocation, folder)
    say(
        "\nThat was the full pipeline. With your own log:\n"
        "  sbr stats YOUR-LOG\n"
        "  sbr preprocess YOUR-LOG\n"
        "  sbr train && sbr evaluate\n"
        "  sbr recommend --items ID,ID,ID\n"
        "  sbr serve\n"
        "sbr COMMAND --help explains a command, and sbr guide is the manual."
    )


def _serve(invocation: Invocation, folder: Path) -> None:
    """Serve the run briefly and send it one request, or print how to."""
    output = invocation.output
    shown = shlex.join(["sbr", "serve", "--workdir", str(folder)])
    if missing_packages():
        output.note(
            f"\nTo ask over HTTP, install the extra serve (pip install '.[serve]'), and run\n"
            f"  {shown} &\n  curl localhost:8000/v1/recommend -d '{_BODY}'"
        )
        return
    from sbrcli.serve.trial import ask_for_recommendations, serve_for_a_moment

    output.note(f"\n$ {shown} --port 0 &")
    with serve_for_a_moment(folder) as port:
        output.note(f"$ curl localhost:{port}/v1/recommend -d '{_BODY}'")
        output.write_json(ask_for_recommendations(port, _BODY))
    output.note("The service has ended; without --port 0 it listens on port 8000.")


def _commands(ratings: str, titles: str, workdir: str) -> list[list[str]]:
    here = ["--workdir", workdir]
    return [
        ["stats", ratings],
        ["preprocess", ratings, "--titles", titles, *here],
        ["train", "--hsz", "50", "--epochs", "5", *here],
        ["evaluate", *here],
        ["recommend", "--items", "1,2,3", "-k", "5", *here],
    ]


def _global_words(invocation: Invocation) -> list[str]:
    output = invocation.output
    return ["--json"] * output.as_json + ["--quiet"] * output.quiet
