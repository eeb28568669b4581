"""What Flower must have before it starts: who reaches it could stop workers, drop messages and repeat tasks.

It would start without a password and show everything, or with an empty one and look as if it had one.
"""

import os
from collections.abc import Sequence

import click
from tornado.options import options

from shared.startup import refuse

UNAUTHENTICATED_API = "FLOWER_UNAUTHENTICATED_API"

MEND = "set it to admin:PASSWORD, with one that you make by: openssl rand -hex 16"


def is_flower() -> bool:
    """Whether the command that runs is Flower, however the celery command was called and with what before it."""
    context = click.get_current_context(silent=True)
    return context is not None and context.info_name == "flower"


def refuse_without_password() -> None:
    """To be called when Flower has read its options: they may be of the environment, the command line or a file."""
    problems = [*_problems(options.basic_auth, by_issuer=bool(options.auth)), *_problems_of_api()]
    if problems:
        refuse("flower", *problems)


def _problems(basic_auth: Sequence[str], *, by_issuer: bool) -> list[str]:
    """Of "user:password" each. `by_issuer`: an OAuth provider says who somebody is, so there need be none."""
    if not basic_auth:
        return [] if by_issuer else [f"FLOWER_BASIC_AUTH: it has no password; {MEND}"]
    # Flower takes a comma for the end of a password, and answers every request with a 500 when one is not ASCII.
    passwords = [user_and_password.partition(":")[2].strip() for user_and_password in basic_auth]
    if all(passwords) and all(map(str.isascii, basic_auth)):
        return []
    return [f"FLOWER_BASIC_AUTH: a password is empty, or has a comma or what is not ASCII; {MEND}"]


def _problems_of_api() -> list[str]:
    if os.environ.get(UNAUTHENTICATED_API, "").lower() in ("", "0", "false", "no", "off"):
        return []
    return [f"{UNAUTHENTICATED_API}: the API repeats tasks and stops workers, so it asks for the password; unset it"]
