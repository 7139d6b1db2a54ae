"""`sbr`, and `python -m sbrcli`: a Ctrl-C is answered also where no command runs yet, or still."""

import sys


def main() -> None:
    """Run `sbr` and leave the process with its exit code."""
    try:
        from sbrcli.cli import app

        app.main()
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
