"""Sends requests to an embedding server: as fast as it takes them, one at a time, or by the clock (open loop).

Only Python's standard library; one thread, whose processor time is reported. A closed loop slows down with the server and
hides overload. So `by_clock` sends each request at its planned time, whatever became of the others, and counts latency from there.
"""

import asyncio
import json
import random
import resource
import time


class Connection:
    """A connection that is opened when it is needed and kept."""

    headers = ""  # further lines of the head

    def __init__(self, port):
        self.port, self.writer = port, None

    async def post(self, target, body, timeout=120):
        """Returns the status and the body; 0 if the connection failed."""
        head = (f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
                f"{self.headers}Content-Length: {len(body)}\r\n\r\n").encode()
        try:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 26)
            self.writer.write(head + body)
            reply = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), timeout)
            lines = reply.decode("latin-1").split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
            data = await asyncio.wait_for(self.reader.readexactly(int(fields.get("content-length", 0))), timeout)
            if fields.get("connection") == "close":
                self.close()
            return int(lines[0].split()[1]), data
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            self.close()
            return 0, b""

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.writer = None


def request(texts):
    return json.dumps({"input": texts, "model": "any", "encoding_format": "base64"}).encode()


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))] if values else float("nan")


def saturate(port, texts, batch, connections, target="/v1/embeddings"):
    """All texts in requests of `batch`, over so many connections at once. Returns seconds, and what failed."""

    async def run():
        parts = [request(texts[i:i + batch]) for i in range(0, len(texts), batch)]
        failed = []

        async def client():
            connection = Connection(port)
            while parts:
                status, _ = await connection.post(target, parts.pop())
                if status != 200:
                    failed.append(status)
            connection.close()

        begin = time.monotonic()
        await asyncio.gather(*(client() for _ in range(connections)))
        return {"seconds": time.monotonic() - begin, "failed": failed}

    return asyncio.run(run())


def one_by_one(port, texts, target="/v1/embeddings"):
    """The milliseconds of each text, sent alone to an idle server."""

    async def run():
        connection, times = Connection(port), []
        for text in texts:
            begin = time.monotonic()
            status, _ = await connection.post(target, request([text]))
            assert status == 200, status
            times.append(1000 * (time.monotonic() - begin))
        connection.close()
        return times

    return asyncio.run(run())


def by_clock(port, texts, per_second, seconds, good_seconds=10, target="/v1/embeddings", seed=1):
    """Single texts at random times with this mean rate, each when its time has come. Returns what became of them."""

    async def run():
        chance = random.Random(seed)
        free, replies, tasks, late, answer = [], [], [], [], []

        async def send(planned, text):
            connection = free.pop() if free else Connection(port)
            sent = time.monotonic()
            status, _ = await connection.post(target, request([text]))
            free.append(connection)
            end = time.monotonic()
            replies.append((status, end - planned))
            late.append(sent - planned)
            if status == 200:
                answer.append(end - sent)

        begin, cpu = time.monotonic(), cpu_seconds()
        planned = begin
        while planned < begin + seconds:
            await asyncio.sleep(max(planned - time.monotonic(), 0))
            tasks.append(asyncio.create_task(send(planned, chance.choice(texts))))
            planned += chance.expovariate(per_second)
        await asyncio.gather(*tasks)
        end = time.monotonic()
        for connection in free:
            connection.close()
        good = [latency for status, latency in replies if status == 200]
        return {
            "planned_per_second": per_second, "seconds": seconds, "requests": len(replies),
            "ok": len(good), "refused": sum(status == 429 for status, _ in replies),
            "other": sorted({status for status, _ in replies} - {200, 429}),
            "goodput_per_second": sum(latency <= good_seconds + 1 for latency in good) / (end - begin),
            "p50_ms": 1000 * quantile(good, 0.5), "p99_ms": 1000 * quantile(good, 0.99), "max_ms": 1000 * max(good, default=float("nan")),
            # If the driver gets too little of the processor, requests leave late, and p50 and p99 are not the server's alone.
            "late_p50_ms": 1000 * quantile(late, 0.5), "late_p99_ms": 1000 * quantile(late, 0.99),
            "from_sent_p99_ms": 1000 * quantile(answer, 0.99),
            "driver_cpu_share": (cpu_seconds() - cpu) / (end - begin),
        }

    return asyncio.run(run())
