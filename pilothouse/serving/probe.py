"""The health check of a container: `python -m pilothouse.serving.probe COLLECTOR_PORT 8001`.

Standard library only, because it is started anew for each check.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from base64 import b64encode
from collections.abc import Mapping


def why_not_ready(
    host: str, port: int, path: str = "/health/ready", login: tuple[str, str] | None = None
) -> str | None:
    """None when a service answers that it is ready, otherwise what it says, or that it says nothing. `login`: the user
    and the password that it asks for."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        basic = b64encode(":".join(login).encode()).decode() if login else None
        connection.request("GET", path, headers={"Authorization": f"Basic {basic}"} if basic else {})
        answer = connection.getresponse()
        body = answer.read(10_000)
    except (OSError, http.client.HTTPException):
        return "it does not answer yet"
    finally:
        connection.close()
    return None if answer.status == 200 else _detail(answer.status, body)


def listening_port(environment: Mapping[str, str], variable: str, default: int) -> int:
    """The port as the services find it: their own variable, then `PORT`, then their default."""
    return int(environment.get(variable) or environment.get("PORT") or default)


def _detail(status: int, body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"it answers {status}"


def main() -> None:
    variable, default = sys.argv[1:]
    sys.exit(why_not_ready("127.0.0.1", listening_port(os.environ, variable, int(default))))


if __name__ == "__main__":
    main()
