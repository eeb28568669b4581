"""What Granian loads in each process of an API without one of its features, and what becomes that Granian.

python -m bench.reduced_process without_token
"""

import os
import sys

from flask import Flask

from api import process


def without_token() -> Flask:
    app = process.make_app()
    from bench.reduced import believe_tokens  # not above: whatever counts is made once the process keeps its counts

    believe_tokens()
    return app


def without_validation() -> Flask:
    app = process.make_app()
    from bench.reduced import skip_validation  # not above, as said

    skip_validation(app)
    return app


def main() -> None:
    """As the API does it, with another factory."""
    from api.__main__ import granian_command  # not above: whoever imports this module must not have run that one
    from api.metric_files import DIRECTORY, make_directory
    from api.settings import load_api_settings
    from shared.startup import allow_many_files, load_or_refuse, prepare_database_or_refuse

    settings = load_or_refuse("api", load_api_settings)
    prepare_database_or_refuse("api", settings.shared.mongo_url)
    allow_many_files()
    os.environ[DIRECTORY] = make_directory()
    command = [*granian_command(settings)[:-1], f"bench.reduced_process:{sys.argv[1]}"]
    os.execv(command[0], command)  # noqa: S606 - no shell wanted: every argument is ours


if __name__ == "__main__":
    main()
