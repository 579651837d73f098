"""schemathesis against a console of its own, by the console's own /openapi.json: every check, negative data too.

Before it, the bodies that broke a service once, or could: each must get its status and leave the console well.

    python -m tests.console.fuzz_console [--max-examples 100 ...]      any option of `schemathesis run`

The exit code is that of schemathesis: 0 when it finds nothing.
"""

import gzip
import http.client
import json
import re
import subprocess
import sys
import tempfile
import zlib
from urllib.parse import urlsplit

from tests.support.houses import HOUSE

JSON = "application/json"
MEGABYTE = 1 << 20
GOOD = json.dumps({"features": HOUSE}).encode()
BAD = {"features": dict.fromkeys(HOUSE, "x")}
BAD_BATCH = json.dumps({"instances": [BAD] * 1000}).encode()

#: what it is, path, content type, content encoding, body, the status that it must get
BODIES = [
    ("a packed request", "/predict", JSON, "gzip", gzip.compress(GOOD), 200),
    ("two members", "/predict", JSON, "gzip", gzip.compress(GOOD[:9]) + gzip.compress(GOOD[9:]), 200),
    ("a plain request", "/predict", JSON, "identity", GOOD, 200),
    ("a content type that is sent twice", "/predict", f"{JSON}, {JSON}", "", GOOD, 200),
    ("1,000 rows that break every rule", "/predict/batch", JSON, "", BAD_BATCH, 200),
    ("a bomb", "/predict/batch", JSON, "gzip", gzip.compress(b" " * 500 * MEGABYTE, 1), 413),
    ("a bomb in members", "/predict/batch", JSON, "gzip", gzip.compress(b" " * MEGABYTE) * 100, 413),
    ("members without end", "/predict/batch", JSON, "gzip", gzip.compress(b"") * 200_000, 400),
    ("half of a packed request", "/predict", JSON, "gzip", gzip.compress(GOOD)[:-9], 400),
    ("something after a packed request", "/predict", JSON, "gzip", gzip.compress(GOOD) + b"x", 400),
    ("no gzip at all", "/predict", JSON, "gzip", GOOD, 400),
    ("gzip that nothing names", "/predict", JSON, "", gzip.compress(GOOD), 400),
    ("deflate", "/predict", JSON, "deflate", zlib.compress(GOOD), 415),
    ("an encoding twice", "/predict", JSON, "gzip, gzip", gzip.compress(gzip.compress(GOOD)), 415),
    ("an encoding of no name", "/predict", JSON, "x" * 500, GOOD, 415),
    # the console counts values before it parses: more than any batch holds are refused unread
    ("brackets without end", "/predict/batch", JSON, "", b"[" * 5 * MEGABYTE, 413),
    ("empty lists without end", "/predict/batch", JSON, "", b'{"instances":[' + b"[]," * 300_000 + b"[]]}", 413),
    ("deep brackets", "/predict/batch", JSON, "", b"[" * 10_000, 400),
    ("a row too many", "/predict/batch", JSON, "", b'{"instances":[' + b"[]," * 1_000 + b"[]]}", 422),
    ("a number without end", "/predict", JSON, "", GOOD.replace(b"2000", b"9" * 100_000), 400),
    ("half of a surrogate pair", "/predict", JSON, "", GOOD.replace(b"2000", b'"\\ud800"'), 400),
    ("an unknown prefix", "/v9/predict", JSON, "", GOOD, 404),
]  # fmt: skip


def send(url, path, headers, body):
    """Return the status and the document that a request gets."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("POST" if body is not None else "GET", path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def odd_bodies(url):
    """Send every body; return how many did not get what they must, each with a line about it."""
    wrong = 0
    for what, path, media_type, encoding, body, expected in BODIES:
        headers = {"content-type": media_type, **({"content-encoding": encoding} if encoding else {})}
        status, document = send(url, path, headers, body)
        is_problem = document.get("type", "").startswith("urn:drift:problem:")
        if status != expected or is_problem != (status != 200):
            wrong += 1
            sys.stdout.write(f"{what}: expected {expected}, got {status}\n")
    counters = send(url, "/health", {}, None)[1]["counters"]
    if counters["errors"]:
        wrong += 1
        sys.stdout.write(f"/health counts {counters['errors']} errors of its own\n")
    sys.stdout.write(f"{len(BODIES)} odd bodies sent, {wrong} answered wrongly\n")
    return wrong


def main():
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-u", "-m", "drift_console", "--port", "0", "--data-dir", data]
        console = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            url = next(found[0] for line in console.stdout if (found := re.search(r"http://[\d.]+:\d+", line)))
            wrong = odd_bodies(url)
            checks = ["--checks", "all", "--mode", "all", "--continue-on-failure", "--wait-for-schema", "30"]
            fuzz = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", *checks, *sys.argv[1:]]
            code = subprocess.run(fuzz, check=False).returncode
        finally:
            console.terminate()
            console.communicate(timeout=60)
        if console.returncode:
            raise SystemExit(f"the console ended with {console.returncode}")
        raise SystemExit(code or bool(wrong))


if __name__ == "__main__":
    main()
