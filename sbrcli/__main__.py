"""`python -m sbrcli` is `sbr`."""

from sbrcli.cli.app import main

if __name__ == "__main__":
    main()
