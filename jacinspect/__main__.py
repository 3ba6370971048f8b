"""`python -m jacinspect`, and the entry point of the command `jacinspect`."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; an interrupt at any moment, even while importing, ends it quietly with status 130."""
    try:
        from jacinspect.cli import run
        from jacinspect.cli.garbage import put_off, resume

        put_off()
        status = run()
        resume()  # or the end of the program searches all that was imported
        sys.exit(status)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
