#!/usr/bin/env python3
"""An hour of mixed load on one server: connects, disconnects, hostile requests, faults of the network, adapters. `make serve-soak`.

    tests/serve/soak.py [--seconds 3600]

After the first sixth of the time, memory may grow by 1 %, no descriptor may be lost, and the last vector must have the bytes of the
first. Prints one line of JSON.
"""

import argparse
import contextlib
import http.client
import json
import random
import sys
import threading
import time

import hostile
from fault_proxy import FaultProxy
from server import Server, some_texts, wait_until


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600)
    options = parser.parse_args()
    counts, lock, stop = {}, threading.Lock(), threading.Event()
    texts = some_texts(300)

    def count(what):
        with lock:
            counts[what] = counts.get(what, 0) + 1

    with Server("--max-wait", "20", "--cache", "1") as server:
        first = server.embed(texts)
        proxy = FaultProxy("127.0.0.1", server.port, seed=5)

        def good(seed):
            rng, client = random.Random(seed), server.client()
            while not stop.is_set():
                rows = [rng.randrange(len(texts)) for _ in range(rng.choice((1, 1, 2, 50)))]
                try:
                    count("good" if server.embed([texts[row] for row in rows], client) == [first[row] for row in rows] else "WRONG")
                except AssertionError as error:
                    count(str(error)[:3])
                except (OSError, http.client.HTTPException):
                    count("LOST")
                if rng.random() < 0.05:
                    client.close()
                time.sleep(rng.random() * 0.05)

        def faulty(seed):
            rng = random.Random(seed)
            while not stop.is_set():
                client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=3)
                with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                    server.ask("POST", "/embed", {"inputs": texts[rng.randrange(len(texts))]}, client=client)
                client.close()
                count("through the proxy")
                time.sleep(0.05)

        def hostile_client():
            for data in hostile.stream(9):
                if stop.is_set():
                    return
                with contextlib.suppress(OSError), server.connect(3) as connection:
                    connection.sendall(data)
                    connection.recv(1000)
                count("hostile")
                time.sleep(0.02)

        threads = [threading.Thread(target=good, args=(seed,)) for seed in range(4)]
        threads += [threading.Thread(target=faulty, args=(seed,)) for seed in range(2)] + [threading.Thread(target=hostile_client)]
        for thread in threads:
            thread.start()
        time.sleep(options.seconds / 6)
        memory, descriptors = server.memory(), server.descriptors()
        time.sleep(options.seconds * 5 / 6)
        grown = server.memory() / memory - 1
        stop.set()
        for thread in threads:
            thread.join(30)
        proxy.close()
        wait_until(lambda: server.descriptors() <= 20, 100)
        same = server.embed(texts) == first
        result = {"seconds": options.seconds, "requests": counts, "memory_bytes": memory, "memory_growth": grown,
                  "descriptors_under_load": descriptors, "descriptors_at_the_end": server.descriptors(), "last_vectors_equal_the_first": same}
    print(json.dumps(result))
    fine = same and grown <= 0.01 and "WRONG" not in counts and "LOST" not in counts
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
