#!/usr/bin/python3 -B
"""What the whole daemon keeps in memory after hours of a site's time, by mapping: `--row serial` (eight units of ten points on one line) or
`--row tcp` (fifty hosts). Store, judge, a broker and a subscriber run; time runs `--rate` times as fast, with `--period` between two
polls of a unit in the site's time. At the end each file's pages beside what they were at first, after 5 s of the machine's time (/proc/PID/smaps): `own` is written and
backed by no file, the rest is pages of files that others share and the kernel may take back.
"""
import argparse
import collections
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "scenario"))
import bench_site  # noqa: E402
import gauges  # noqa: E402

START_S, PARTS = 5, 10  # of the machine's time: when the first look is taken; how many more
ROWS = {"serial": lambda period, rate: bench_site.serial(8, 115200, period, rate=rate),
        "tcp": lambda period, rate: bench_site.hosts(50, period, 0, rate=rate)}


def by_file(pid):
    """{file name or kind of mapping: [resident KiB, own KiB]}"""
    sizes = collections.defaultdict(lambda: [0, 0])
    name = "?"
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            head = re.match(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+\s*(.*)", line)
            if head:
                name = os.path.basename(head[1]) or "(threads, large blocks)"
            elif line.startswith(("Rss:", "Anonymous:")):
                sizes[name][line.startswith("Anon")] += int(line.split()[1])
    return sizes


def table(first, last):
    print(f"{'KiB resident (own)':28} {'at first':>16} {'at the end':>16}")
    for name in sorted(set(first) | set(last), key=lambda n: -last[n][0]):
        cells = [f"{sizes[name][0]} ({sizes[name][1]})" for sizes in (first, last)]
        if cells != ["0 (0)", "0 (0)"]:
            print(f"{name:28} {cells[0]:>16} {cells[1]:>16}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", choices=ROWS, default="serial")
    parser.add_argument("--hours", type=float, default=10)
    parser.add_argument("--rate", type=int, default=600)
    parser.add_argument("--period", default="60s")
    args = parser.parse_args()
    with ROWS[args.row](args.period, args.rate) as site:
        pid, start = site.dustd.popen.pid, time.monotonic()
        time.sleep(min(START_S, args.hours * 3600 / args.rate))
        first = by_file(pid)
        for part in range(PARTS + 1):
            time.sleep(max(0, start + part * args.hours * 3600 / args.rate / PARTS - time.monotonic()))
            kib = gauges.memory_kib(pid)
            print(f"{(time.monotonic() - start) * args.rate / 3600:6.2f} h  resident {kib['resident'] / 1024:.2f} MiB, "
                  f"own {kib['own'] / 1024:.2f}", flush=True)
        table(first, by_file(pid))
        log, _ = site.finished()
    print(f"{len(log)} polls")


if __name__ == "__main__":
    main()
