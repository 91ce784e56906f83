#!/usr/bin/env python3
"""Builds targets of a preset and says how much is done and how long the rest will take.

    tools/build.py --preset release --jobs 2 lacos lacos_shared

On a terminal, one line is redrawn; elsewhere, a line is written every 20 seconds. What the compiler says is printed as
it comes. The exit status is that of the build.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time

STATUS = re.compile(r"@(\d+)/(\d+) (.*)")
SECONDS_BETWEEN_LINES = 20


def duration(seconds):
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(5, round(seconds / 5) * 5)} s"


class Progress:
    def __init__(self):
        self.redraws = sys.stdout.isatty()
        self.started = time.monotonic()
        self.next_line = self.started + SECONDS_BETWEEN_LINES

    def update(self, done, total):
        now = time.monotonic()
        elapsed = now - self.started
        text = f"building: {done} of {total} steps"
        if elapsed > 5 and 0 < done < total:
            text += f", about {duration(elapsed * (total - done) / done)} left"
        if self.redraws:
            print("\r\033[K" + text[:shutil.get_terminal_size().columns - 1], end="", flush=True)
        elif now >= self.next_line:
            print(text, flush=True)
            self.next_line = now + SECONDS_BETWEEN_LINES

    def clear(self):
        if self.redraws:
            print("\r\033[K", end="", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="release")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("targets", nargs="+")
    arguments = parser.parse_args()
    command = ["cmake", "--build", "--preset", arguments.preset, "--parallel", str(arguments.jobs), "--target"]
    build = subprocess.Popen(command + arguments.targets, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             errors="replace", env=os.environ | {"NINJA_STATUS": "@%f/%t "})
    progress = Progress()
    for line in build.stdout:
        status = STATUS.match(line)
        if status:
            progress.update(int(status[1]), int(status[2]))
        elif line.strip() != "ninja: no work to do.":
            progress.clear()
            print(line, end="", flush=True)
    progress.clear()
    return build.wait()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
