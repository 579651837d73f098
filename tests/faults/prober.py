"""Somebody else's requests, from a process of its own: `python prober.py URL SEED SHIFT [BATCH]`.

It says `begun` after the first answer, asks until its standard input ends, then prints how many events
were answered, how many requests failed, and the slowest in milliseconds.
"""

import json
import selectors
import sys
import time

import httpx

from tests.traffic import houses

url, seed, shift = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
batch = int(sys.argv[4]) if len(sys.argv) > 4 else 0
ended = selectors.DefaultSelector()
ended.register(sys.stdin, selectors.EVENT_READ)
answered = failed = 0
slowest = 0.0
path = "/predict/batch" if batch else "/predict"
with httpx.Client(base_url=url, timeout=120) as client:
    while not ended.select(0 if batch else 0.01):
        rows = list(houses(seed, max(batch, 1), shift))
        body = {"instances": rows} if batch else {"features": rows[0]}
        seed += 1
        began = time.perf_counter()
        try:
            status = client.post(f"/models/house-price{path}", json=body).status_code
        except httpx.TransportError:
            status = 0
        if not answered + failed:
            sys.stdout.write("begun\n")
            sys.stdout.flush()
        slowest = max(slowest, time.perf_counter() - began)
        if status == 200:
            answered += max(batch, 1)
        else:
            failed += 1
            time.sleep(0.05)
json.dump({"answered": answered, "failed": failed, "slowest_ms": round(slowest * 1000)}, sys.stdout)
