"""A service for the tests of the supervisor: ready after a moment, dies when asked, may be stubborn or have a worker.

python standin.py PORT [--stubborn] [--worker] [--broken] [--never-ready]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/die":
            os._exit(7)
        ready = "--never-ready" not in sys.argv
        body = b'{"status":"ready"}' if ready else b'{"detail":"model: still looking for it"}'
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def stop(*_: object) -> None:
    print("stopping politely", flush=True)
    os._exit(0)


if "--broken" in sys.argv:
    sys.exit("a setting is wrong")
if "--worker" in sys.argv:
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(f"worker {worker.pid}", flush=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN if "--stubborn" in sys.argv else stop)
time.sleep(0.2)
print(f"listening, pid {os.getpid()}", flush=True)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
