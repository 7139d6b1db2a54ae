"""`sbr` and `python -m sbrcli`; Ctrl-C is handled also before and after the command runs."""

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
