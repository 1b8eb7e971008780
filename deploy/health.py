"""Healthcheck of a service's container: ends with 0 when the service is ready.

It runs every few seconds, so it takes no more of the standard library than it needs."""

import http.client
import os
import sys

try:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["VEFA_HTTP_PORT"]), timeout=3)
    connection.request("GET", f"/{os.environ['VEFA_SERVICE']}/ready")
    answer = connection.getresponse()
    print(answer.read(500).decode("utf-8", "replace"))
    sys.exit(answer.status != 200)
except OSError as error:
    sys.exit(f"no answer: {error}")
