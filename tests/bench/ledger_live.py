"""What a ledger of five years costs in a running daemon: 10,000 issues with a million steps are written as rows (bench_ledger …
rows), a daemon starts on them and polls a simulated site; then 10,000 issues and 10,000 rows are asked for over the control
socket, as people ask, and as the table for Excel. Polling must go on meanwhile.
    DUST_BUILD=build/release tests/bench/ledger_live.py [ISSUES [STEPS_PER_ISSUE]]
Prints a line a measurement: what, measured, limit. What is limited is the CPU of dustctl and the daemon together, which is the
time that it takes on a machine that does nothing else. Exit status 1: a limit is not kept."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "scenario"))
import harness  # noqa: E402
import sites  # noqa: E402

ISSUES, STEPS = (int(word) for word in (sys.argv[1:] + ["10000", "100"][len(sys.argv) - 1:]))
LIMIT_S, LIMIT_MIB, RUNS = 1.0, 32.0, 5
AFTER = "2031-03-05T09:00:00+08:00"  # bench_ledger's five years are over
missed = []


def tell(what, measured, unit, limit=None, more=""):
    print(f"{what:52} {measured:9.3f} {unit:4}" + (f" limit {limit:g} {unit}" if limit else "") + more, flush=True)
    if limit and measured > limit:
        missed.append(what)


def fill(site):
    state = os.path.join(site.dir, "state")
    os.mkdir(state, 0o700)
    rows = subprocess.Popen([harness.program("tests/bench_ledger"), str(ISSUES), str(STEPS), "rows"], stdout=subprocess.PIPE)
    began = time.monotonic()
    subprocess.run([harness.program("tests/rows_fixture"), state, "simulated"], stdin=rows.stdout, check=True)
    rows.wait()
    tell("writing the rows", time.monotonic() - began, "s", more=f", {os.path.getsize(site.database()) / 1e6:.0f} MB")


def timed(site, *words, runs=RUNS):
    """The median of some runs in s, the CPU of dustctl and the daemon for one in s, and what came out."""
    spans, cpu_ms, began_cpu = [], site.status()["process"]["cpu_ms"], sum(os.times()[2:4])
    for _ in range(runs):
        began = time.monotonic()
        done = subprocess.run([harness.program("dustctl"), "--socket", f"{site.dir}/control.sock", *words], capture_output=True,
                              check=True)
        spans.append(time.monotonic() - began)
    cpu_s = (sum(os.times()[2:4]) - began_cpu + (site.status()["process"]["cpu_ms"] - cpu_ms) / 1000) / runs
    return sorted(spans)[runs // 2], cpu_s, done.stdout


def late_slots(site):
    return sum(bus["late_slots"] for bus in site.status()["buses"])


def measure(site):
    slots, answers = late_slots(site), site.status()["buses"][0]["answers"]
    rows = ["export", "--rows", "--from", "2026-03-06", "--to", "2026-03-25"]
    for what, words in (("dustctl issues --all", ["issues", "--all"]),
                        ("dustctl --json issues --all", ["--json", "issues", "--all"]),
                        ("dustctl issues --all --text (looking for one)", ["issues", "--all", "--text", "nowhere"]),
                        ("dustctl export --rows", rows)):
        span, cpu_s, out = timed(site, *words)
        tell(f"{what}, CPU", cpu_s, "s", LIMIT_S, f", {span:.3f} s of time, {len(out) / 1e6:.1f} MB, {out.count(bytes([10]))} lines")
    folder = os.path.join(site.dir, "report")
    os.mkdir(folder)
    span, cpu_s, _ = timed(site, "report", "weekly", "--from", "2031-02-24", "--out", folder, runs=1)
    tell("dustctl report weekly (page and table), CPU", cpu_s, "s", None, f", {span:.1f} s of time")
    tell("late polls meanwhile", late_slots(site) - slots, "", more=f" of {site.status()['buses'][0]['answers'] - answers}")
    tell("memory of the daemon", site.status()["process"]["rss_bytes"] / 2**20, "MiB", LIMIT_MIB)


def main():
    site = harness.Site(sites.BREACH_SIM, sites.HEAD + sites.BUS + sites.DEVICES.replace("10s", "1s").replace("30s", "1s"),
                        broker=False, rate=1, start=AFTER)
    try:
        fill(site)
        site.start_sim()
        began = time.monotonic()
        site.start_dustd()
        tell("start, until the first poll", site.sim_polls()[0]["wire_us"] / 1e6 - began, "s")
        tell("start, until it answers", time.monotonic() - began, "s")
        harness.wait_for("readings", lambda: site.status()["buses"][0]["answers"] > 5, patience=300)
        assert json.loads(site.ctl("--json", "status"))["issues"]["open"] >= 0
        measure(site)
    finally:
        site.close()
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
