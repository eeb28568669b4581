"""Becomes Granian as the API does, with its settings and another app."""

import os

from api.__main__ import granian_command
from api.settings import load_api_settings

command = [*granian_command(load_api_settings())[:-1], "bench.peers.floor.app:make_app"]
os.execv(command[0], command)
