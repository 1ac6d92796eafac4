#!/usr/bin/env python
"""Runs Slate's commands; puts platform/ on the import path and prints errors a person can act on."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
# These look at code and files only; everything else finds its database running.
WITHOUT_DATABASE = {"help", "--help", "-h", "--version", "check", "makemigrations", "collectstatic", "trust"}


def main() -> None:
    sys.path.insert(0, str(ROOT / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    from studio.errors import SlateError

    try:
        from django.core.management import execute_from_command_line

        from studio.installation import start_database

        if len(sys.argv) > 1 and sys.argv[1] not in WITHOUT_DATABASE and "--help" not in sys.argv:
            start_database()
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)
    except SlateError as error:
        sys.stderr.write(f"{error.render()}\n")
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
