"""`sbr`, and `python -m sbrcli`: a Ctrl-C is answered also while the imports run."""

import sys


def main() -> None:
    """Run `sbr` and leave the process with its exit code."""
    try:
        from sbrcli.cli import app
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)
    app.main()


if __name__ == "__main__":
    main()
