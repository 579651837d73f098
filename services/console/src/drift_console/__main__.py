"""`python -m drift_console`."""

from drift_console.cli import main

if __name__ == "__main__":
    main()
