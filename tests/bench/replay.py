#!/usr/bin/env python3
"""Speed and memory of a back-test (dustd --replay) of a year of minutes.

    tests/bench/replay.py [--days N] [--runs N]        DUST_BUILD names the build's folder

Method: N days (default 365) of the minutes of ten points are made (from DUST_SEED, as gzipped CSV with a header) and given
to `dustd --replay`, with seven limit files, every check of quality and, in a second row, the shipped six requirements with
a vehicle, a sweeping and an inspection now and then; in a third row the source says each minute that it watches, not each
hour. Measured is the whole program from its start to its end: reading,
inflating, judging, printing to a file. Time is the processor's (user and system, of the child alone) and the wall clock's;
resident memory is the child's highest. The same once more with a twelfth of the days shows whether memory depends on the
length. "share" is the part of a promised limit that was used: 10 s a year, where there is a limit.
"""
import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("DUST_BUILD", os.path.join(SOURCE, "build", "release"))
SEED = int(os.environ.get("DUST_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FIRST = 1772380800000  # 2026-03-02T00:00+08:00
LIMIT_S = 10.0  # of a year

POINTS = [("a", "pm25", "ug/m3"), ("a", "pm10", "ug/m3"), ("a", "tsp", "ug/m3"), ("a", "humidity", "%"),
          ("a", "wind_speed", "m/s"), ("b", "pm25", "ug/m3"), ("b", "pm10", "ug/m3"), ("b", "tsp", "ug/m3"),
          ("c", "temperature", "degC"), ("c", "flow", "m3/h")]
LIMITS = ("shanxi-taiyuan", "hebei-db13-2934-2019", "shanghai-db31-964-2016", "shaanxi-db61-1078-2017",
          "liaoning-db21-2642-2016-city", "sichuan-db51-2682-2020", "gb3095")


def write_site(folder, requirements):
    os.makedirs(os.path.join(folder, "devices"), exist_ok=True)
    devices = "".join(f"  {d}: {{bus: line, profile: bench-{d}, unit_id: {i}, period: 60s}}\n" for i, d in enumerate("abc", 1))
    for device in "abc":
        points = "".join(f"  {role}: {{title: {{zh: {role}, en: {role}}}, unit: '{unit}', role: {role}, address: {i}, type: u16}}\n"
                         for i, (d, role, unit) in enumerate(POINTS) if d == device)
        with open(os.path.join(folder, "devices", f"bench-{device}.yaml"), "w") as out:
            out.write("title: {zh: 测试, en: Bench}\nsource: a bench's own\npoints:\n" + points)
    with open(os.path.join(folder, "site.yaml"), "w") as out:
        out.write("language: en\nsite: {name: bench, title: {zh: 示例工地, en: Example Site}}\nbuses: {line: {path: /dev/ttyS0}}\n"
                  f"devices:\n{devices}people:\n  boss: {{title: 项目经理, roles: [site]}}\n"
                  "  office: {title: 办公室, roles: [office]}\n"
                  "limits:\n" + "".join(f"  {name}: {{person: boss}}\n" for name in LIMITS)
                  + ("requirements: {file: six, person: boss, hours: [\"06:00-20:00\"]}\n"
                     "sources: {gate: {kinds: [alive, passage, camera]}}\n" if requirements else ""))


def write_year(path, days):
    """Levels that wander, so that nothing is flat and some windows are over."""
    rng = random.Random(SEED)
    base = {"pm25": 40, "pm10": 90, "tsp": 180, "humidity": 50, "wind_speed": 3, "temperature": 15, "flow": 0}
    level = [base[role] for _, role, _ in POINTS]
    with gzip.open(path, "wt", compresslevel=1) as out:
        out.write("time," + ",".join(f"{d}/{role}" for d, role, _ in POINTS) + "\n")
        for minute in range(days * 1440):
            for i, (_, role, _) in enumerate(POINTS):
                level[i] += (base[role] - level[i]) / 60 + rng.gauss(0, base[role] / 12 + 0.1)
            flow = 3 if minute % 180 < 8 else 0
            values = [f"{max(v, 0.1):.1f}" for v in level[:-1]] + [str(flow)]
            out.write(f"{FIRST + minute * MINUTE}," + ",".join(values) + "\n")


def write_inputs(path, days, alive_min=60):
    """A stage; and each day ten lorries that were washed, a sweeping, and on Mondays an inspection; the gate's camera says that
    it watches: with each lorry, or every so many minutes all day."""
    def row(ts, kind, source, **more):
        return json.dumps({"ts": ts, "kind": kind, "subject": source, "source": source, **more}, separators=(",", ":")) + "\n"
    def watch(ts, minutes):
        return ts, row(ts, "alive", "gate", id=f"a{ts}", to=ts, **{"from": ts - minutes * MINUTE})
    def day_of(start, monday):
        for at in range(start + 7 * HOUR, start + 17 * HOUR, HOUR):
            yield at, row(at, "passage", "gate", id=f"v{at}", at=at, direction="out", via="wash", wash_s=150)
            if alive_min == 60:
                yield watch(at + MINUTE, 60)
        for at in range(start + alive_min * MINUTE, start + DAY + 1, alive_min * MINUTE) if alive_min < 60 else ():
            yield watch(at, alive_min)
        at = start + 18 * HOUR
        yield at, row(at, "inspection", "boss", by="boss", id=f"s{at}", at=at, about="watering/swept", value=100)
        if monday:
            yield at, row(at, "inspection", "office", by="office", id=f"w{at}", at=at, about="watering/weekly", value=100)
    with open(path, "w") as out:
        out.write(row(FIRST - MINUTE, "stage", "office", by="office", stage="earthwork", **{"from": FIRST - MINUTE}))
        for day in range(days):
            out.writelines(text for _, text in sorted(day_of(FIRST + day * DAY, day % 7 == 0), key=lambda of: of[0]))


def run(folder, files, out):
    args = [os.path.join(BUILD, "dustd"), "-c", os.path.join(folder, "site.yaml"), "--data", os.path.join(SOURCE, "config"),
            "--replay", *files]
    began = time.monotonic()
    with open(out, "w") as to:
        child = subprocess.Popen(args, stdout=to)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"dustd ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss


def show(title, days, runs):
    cpu, wall, rss = min(r[0] for r in runs), min(r[1] for r in runs), max(r[2] for r in runs)
    values = days * 1440 * len(POINTS)
    limit = LIMIT_S * days / 365
    print(f"{title:34} {values:9,} values  {cpu:6.2f} s CPU  {wall:6.2f} s wall  {values / cpu / 1e6:5.2f} million/s  "
          f"limit {limit:4.1f} s, share {wall / limit:4.0%}  {rss / 1024:5.1f} MiB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    print(f"DUST_SEED={SEED}; best of {chosen.runs} runs; {BUILD}")
    with tempfile.TemporaryDirectory() as folder:
        for days in (max(chosen.days // 12, 1), chosen.days):
            data, inputs, minutely = (os.path.join(folder, f"{days}{end}") for end in (".csv.gz", ".jsonl", "-alive.jsonl"))
            write_year(data, days)
            write_inputs(inputs, days)
            write_inputs(minutely, days, alive_min=1)
            for title, requirements, files in (("limits and quality", False, [data]), ("and the six requirements", True, [data, inputs]),
                                               ("the six, alive each minute", True, [data, minutely])):
                write_site(folder, requirements)
                results = [run(folder, files, os.path.join(folder, "out")) for _ in range(chosen.runs)]
                show(f"{days} days, {title}", days, results)
        with open(os.path.join(folder, "out")) as found:
            print("".join(found.readlines()[-45:]))


if __name__ == "__main__":
    main()
