"""What schemathesis does not know of its own: how rows become NDJSON."""

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(_: schemathesis.SerializationContext, value: Any) -> bytes:
    return (json.dumps(value) + "\n").encode()
