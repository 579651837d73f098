"""Somebody else's requests, from a process of its own: `python prober.py URL SEED SHIFT [BATCH]`.

It says `begun` after the first answer, asks until its standard input ends, then prints how many events
were answered, how many requests failed, and the slowest in milliseconds.
"""

import http.client
import json
import selectors
import sys
import time
from urllib.parse import urlsplit

from tests.support.houses import houses

url, seed, shift = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
batch = int(sys.argv[4]) if len(sys.argv) > 4 else 0
ended = selectors.DefaultSelector()
ended.register(sys.stdin, selectors.EVENT_READ)
answered = failed = 0
slowest = 0.0
path = f"/models/house-price/predict{'/batch' if batch else ''}"
# Not httpx: to import it takes longer than most faults, and this process is started for each of them.
client = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
idle_since = time.perf_counter()
while not ended.select(0 if batch else 0.01):
    rows = list(houses(seed, max(batch, 1), shift))
    instances = [{"features": row} for row in rows]
    body = json.dumps({"instances": instances} if batch else instances[0])
    seed += 1
    if time.perf_counter() - idle_since > 2.0:
        client.close()  # before the console does, which ends connections that were idle for 5 s
    began = time.perf_counter()
    try:
        client.request("POST", path, body, {"content-type": "application/json"})
        with client.getresponse() as response:
            answer = response.read()
            status = response.status
    except (OSError, http.client.HTTPException):
        client.close()  # the next request connects again
        status = 0
    idle_since = time.perf_counter()
    slowest = max(slowest, idle_since - began)
    if not answered + failed:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
    if status == 200:
        # A batch is answered with 200 although rows of it are refused.
        answered += len(json.loads(answer)["predictions"]) if batch else 1
    else:
        failed += 1
        time.sleep(0.05)
json.dump({"answered": answered, "failed": failed, "slowest_ms": round(slowest * 1000)}, sys.stdout)
