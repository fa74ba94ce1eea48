#!/usr/bin/python3 -B
"""Polls a second on one RTU bus, beside what the wire allows.

Method: dustsim plays eight units of ten registers each on a pseudo terminal that takes exactly the time the frames need. A unit
answers after the silence by which it knows that the request is over, and 2 ms of its own; dustd reads them with store and judge running, as fast as it can (the schedule asks for more than the wire
carries). Polls are counted by dustsim's log between the first and the last answer of the middle of the run; requests that come
inside the silence of 3.5 characters are counted by dustsim too.

Physical limit of a poll: (8 + 25) characters + two silences of 3.5 characters (1.75 ms above 19200 baud) + 2 ms. A fair gap of a unit is
eight polls.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "scenario"))
import harness  # noqa: E402
import sites  # noqa: E402

UNITS, SECONDS = 8, float(os.environ.get("DUST_BENCH_S", "15"))
TURNAROUND_MS = 2


def site_files(baud):
    sim = f"buses:\n  bus1: {{transport: rtu, link: {{dir}}/bus1, baud: {baud}}}\nunits:\n" + "".join(
        f"  u{i}: {{bus: bus1, profile: louvre-pm-weather, unit_id: {i}, turnaround: {TURNAROUND_MS}ms, silence: true, points: {{pm10: {{constant: 80}}}}}}\n"
        for i in range(1, UNITS + 1))
    config = (sites.HEAD + sites.BUS.replace("115200", str(baud)) + "devices:\n" + "".join(
        f"  u{i}: {{title: {{zh: {i}号, en: Unit {i}}}, bus: bus1, profile: louvre-pm-weather, unit_id: {i}, period: 100ms}}\n"
        for i in range(1, UNITS + 1)))
    return sim, config


def limit_s(baud):
    character = 10 / baud
    silence = 0.00175 if baud > 19200 else 3.5 * character
    return 33 * character + 2 * silence + TURNAROUND_MS / 1000


def run(baud):
    site = harness.Site(*site_files(baud), broker=False, rate=4 if baud > 19200 else 1,
                        start="2026-03-05T08:00:00+08:00")
    try:
        site.start_sim()
        harness.wait_for("the line", lambda: os.path.exists(os.path.join(site.dir, "bus1")))
        site.start_dustd()
        harness.wait_for("dustd", site.status)
        time.sleep(SECONDS)
        with open(f"/proc/{site.dustd.popen.pid}/status") as f:
            rss = next(l.split()[1] for l in f if l.startswith("VmRSS"))
        site.dustd.stop()
        site.sim.stop()
        log = [p for p in site.sim_polls() if p["event"] == "poll"]
        polls = [p["wire_us"] for p in log]
        middle = polls[len(polls) // 10: -len(polls) // 10]
        rate = (len(middle) - 1) / (middle[-1] - middle[0]) * 1e6
        limit = 1 / limit_s(baud)
        last, gap = {}, 0
        for p in log[len(log) // 10: -len(log) // 10]:
            gap = max(gap, p["wire_us"] - last.get(p["unit"], p["wire_us"]))
            last[p["unit"]] = p["wire_us"]
        hasty = next(l for l in site.sim_log_tail().splitlines()[::-1] if '"summary"' in l)
        print(f"{baud:7} baud: {rate:7.2f} polls/s, limit {limit:7.2f}, ratio {rate / limit:.3f}, {len(polls)} polls, longest gap of a unit {gap / 1000:.1f} ms (fair: {8 * limit_s(baud) * 1000:.1f}), rss {rss} KiB")
        print("    requests inside the silence:", json.loads(hasty)["hasty"])
    finally:
        site.close()


if __name__ == "__main__":
    print(__doc__)
    for baud in (9600, 115200):
        run(baud)
