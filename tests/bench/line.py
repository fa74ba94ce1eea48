#!/usr/bin/python3 -B
"""The line's speed and size beside what the wire allows. `--row NAME` does one row, `--list` names them, nothing does all.

Method: dustsim plays the units on pseudo terminals (or TCP ports) and takes exactly the time the frames need. A unit answers after the
silence by which it knows that the request is over, and 2 ms of its own. The whole daemon reads them, with store, judge, a broker and a
subscriber running. Polls are counted by dustsim's log, requests inside the silence of 3.5 characters by dustsim too. Processor time
is that of all threads (/proc/PID/task/*/schedstat), memory VmRSS.

Physical limit of a poll: (8 + 25) characters of 10 bits + two silences of 3.5 characters (1.75 ms above 19200 baud) + 2 ms. A fair gap
of a unit is as many polls as there are units. Over TCP: the latency. What the machine itself allows is shown by tests/bench/poller.c, which
only polls, just before the rows `9600` and `115200`. Run it on a machine without other work: each row says how busy the
machine was beside it, and none means much above some hundredths.
"""
import argparse
import os
import shutil
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "scenario"))
import bench_site  # noqa: E402
import gauges  # noqa: E402

UNITS, HOSTS, LATENCY_MS, TURNAROUND_MS = 8, 50, 20, 2
SECONDS = float(os.environ.get("DUST_BENCH_S", "30"))
DEAD_TIMEOUT = "100ms"  # tuned to units that think for 2 ms: a probe of a dead unit then takes 0.16 s, and 2 % of the bus are one in 8 s
BARE_S = SECONDS / 2  # of tests/bench/poller.c, which stores and judges nothing, before the rows that it is compared in
SETTLE_S = 10  # after the start, before anything counts
ROWS = {}


def row(name, asked):
    """Adds a function to the table; `asked` is what it should reach."""
    def add(function):
        ROWS[name] = (function, asked)
        return function
    return add


def limit_s(baud):
    character = 10 / baud
    silence = 0.00175 if baud > 19200 else 3.5 * character
    return 33 * character + 2 * silence + TURNAROUND_MS / 1000


def watched(site, seconds=SECONDS):
    """Runs the site for a while; {"cpu": share of one core, "resident", …, "other": share of the machine that others took}."""
    pid = site.dustd.popen.pid
    own = [p.popen.pid for p in (site.dustd, site.sim, site.broker.process, *(w.process for w in site.watchers))]
    time.sleep(SETTLE_S)
    since, cpu, idle, mine = time.monotonic(), gauges.cpu_s(pid), gauges.machine_s(), sum(map(gauges.cpu_s, own))
    time.sleep(seconds)
    took = time.monotonic() - since
    ours = sum(map(gauges.cpu_s, own)) - mine
    other = max(0.0, gauges.machine_s() - idle - ours) / took / os.cpu_count()
    return {"cpu": (gauges.cpu_s(pid) - cpu) / took, "other": other, **gauges.memory_kib(pid)}


def answers(log, since_us, until_us=None):
    return [p for p in log if p["outcome"] == "answer" and p["wire_us"] >= since_us and p["wire_us"] <= (until_us or p["wire_us"])]


def settled_us(log):
    return log[0]["wire_us"] + SETTLE_S * 1000000


def gaps_us(polls):
    """{unit: [from one of its answers to the next, …]}"""
    last, gaps = {}, {}
    for p in polls:
        if p["unit"] in last:
            gaps.setdefault(p["unit"], []).append(p["wire_us"] - last[p["unit"]])
        last[p["unit"]] = p["wire_us"]
    return gaps


def rate_of(polls):
    return sum(1e6 / statistics.mean(gaps) for gaps in gaps_us(polls).values())


def longest_gap_ms(polls):
    return max(max(gaps) for gaps in gaps_us(polls).values()) / 1000


def costs(seen):
    return f"{100 * seen['cpu']:.2f} % of a core, {seen['resident'] / 1024:.1f} MiB resident ({seen['own'] / 1024:.1f} MiB own)"


def bare(baud):
    """(polls/s, longest gap in ms) of a program that does nothing but poll."""
    with bench_site.serial(UNITS, baud, "100ms", made=bench_site.PolledSite) as site:
        time.sleep(BARE_S)
        log, _ = site.finished()
    polls = answers(log, log[0]["wire_us"] + 1000000)
    return rate_of(polls), longest_gap_ms(polls)


def fast(baud, rate):
    bare_got, bare_gap = bare(baud)
    with bench_site.serial(UNITS, baud, "100ms", rate) as site:
        seen = watched(site)
        log, hasty = site.finished()
    polls = answers(log, settled_us(log))
    got, limit = rate_of(polls), 1 / limit_s(baud)
    return seen, (f"{got:.2f} polls/s of {limit:.2f}: {100 * got / limit:.1f} %; {hasty} early of {len(log)}; longest gap of a unit "
                  f"{longest_gap_ms(polls):.1f} ms (fair {UNITS * 1000 * limit_s(baud):.1f}); {costs(seen)}\n{'':12} just before, a "
                  f"program that only polls: {100 * bare_got / limit:.1f} %, longest gap {bare_gap:.1f} ms")


@row("9600", "at least 99 %, none early, 360 ms")
def fast_9600():
    return fast(9600, 1)


@row("115200", "at least 97.5 %, none early, 75 ms")
def fast_115200():
    return fast(115200, 4)


@row("period", "at most 0.5 % of a core, at most 8 MiB")
def slow_9600():
    with bench_site.serial(UNITS, 9600, "1s") as site:
        seen = watched(site)
        log, hasty = site.finished()
    polls = answers(log, settled_us(log))
    return seen, f"{costs(seen)}; {rate_of(polls):.2f} polls/s of {UNITS}, {hasty} early"


@row("dead-period", "7.0 polls/s, 1100 ms, from the tenth second on")
def dead_slow():
    with bench_site.serial(UNITS, 9600, "1s", dead="0s", timeout=DEAD_TIMEOUT) as site:
        seen = watched(site)
        log, _ = site.finished()
    polls = answers(log, settled_us(log))
    return seen, f"{rate_of(polls):.2f} polls/s of {UNITS - 1}; their longest gap {longest_gap_ms(polls):.0f} ms; {costs(seen)}"


@row("dead-fast", "at least 22 of 22.9 polls/s, back within 10 s")
def dead_fast():
    back_s = SETTLE_S + SECONDS
    with bench_site.serial(UNITS, 9600, "100ms", dead=f"0s, to: {back_s:.0f}s", timeout=DEAD_TIMEOUT) as site:
        seen = watched(site, SECONDS + 12)
        log, _ = site.finished()
    back_ms = bench_site.START_MS + back_s * 1000
    again = next((p for p in log if p["unit"] == bench_site.DEAD and p["outcome"] == "answer"), None)
    until = next(p["wire_us"] for p in log if p["site_ms"] >= back_ms)
    polls = answers(log, settled_us(log), until)
    back = f"back after {(again['site_ms'] - back_ms) / 1000:.1f} s" if again else "never back"
    return seen, (f"{rate_of(polls):.2f} polls/s of {1 / limit_s(9600):.2f} by the other seven; their longest gap "
                  f"{longest_gap_ms(polls):.0f} ms (fair {7000 * limit_s(9600):.0f}); {back}; {costs(seen)}")


@row("tcp-period", "at most 1 % of a core, at most 12 MiB")
def tcp_slow():
    with bench_site.hosts(HOSTS, "1s", 0) as site:
        seen = watched(site)
        log, _ = site.finished()
    return seen, f"{costs(seen)}; {rate_of(answers(log, settled_us(log))):.2f} polls/s of {HOSTS}"


@row("tcp-fast", "at least 97 % of 2500 polls/s")
def tcp_fast():
    with bench_site.hosts(HOSTS, "100ms", LATENCY_MS, rate=10) as site:
        seen = watched(site, SECONDS / 3)
        log, _ = site.finished()
    got, limit = rate_of(answers(log, settled_us(log))), HOSTS * 1000 / LATENCY_MS
    return seen, f"{got:.0f} polls/s of {limit:.0f}: {100 * got / limit:.1f} %; {costs(seen)}"


@row("age", "median at most 27 ms")
def age():
    """Of a value when the subscriber has it, from the first bit of the answer; the answer's 25 characters are 26.0 ms of it."""
    with bench_site.serial(UNITS, 9600, "1s", start=None, live="0s", watch="live/#") as site:
        seen = watched(site)
        log, _ = site.finished()
        ages = sorted(bench_site.ages_ms(site, log, 25 * 10 / 9600))
    return seen, (f"median {statistics.median(ages):.2f} ms, p99 {ages[len(ages) * 99 // 100]:.2f} ms of {len(ages)} values, "
                  f"{25 * 10000 / 9600:.1f} ms of each is the wire; {costs(seen)}")


@row("counts", "no limit: what a poll takes, free of the machine's noise")
def counts():
    """System calls of a bus that is read as fast as it goes; instructions of one that has its pauses, as callgrind is slow."""
    with bench_site.serial(UNITS, 115200, "100ms", 4) as site:
        seen = watched(site, 1)
        before = site.polls()
        calls = gauges.syscalls(site.dustd.popen.pid, SECONDS / 3)
        polls = site.polls() - before
    if not calls:
        return seen, "strace is not installed"
    most = sorted(calls.items(), key=lambda c: -c[1])[:8]
    text = (f"{sum(calls.values()) / polls:.1f} system calls a poll of ten registers: "
            + ", ".join(f"{name} {n / polls:.2f}" for name, n in most))
    if not shutil.which("valgrind"):
        return seen, text + "; valgrind is not installed"
    with bench_site.serial(UNITS, 9600, "1s", under=gauges.CALLGRIND) as site:
        time.sleep(SETTLE_S)
        before = site.polls()
        n = gauges.instructions(site.dustd.popen.pid, site.dir, 60)
        polls = site.polls() - before
    return seen, text + f"; {n / polls:.0f} instructions a poll at a period of 1 s, a whole minute's rows included"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", action="append", choices=ROWS, help="only this one; may be given several times")
    parser.add_argument("--list", action="store_true", help="name the rows")
    args = parser.parse_args()
    if args.list:
        print("\n".join(f"{name:12} {asked}" for name, (_, asked) in ROWS.items()))
        return
    print(__doc__)
    for name in args.row or ROWS:
        function, asked = ROWS[name]
        seen, text = function()
        print(f"{name:12} {text}\n{'':12} asked: {asked}; others took {100 * seen['other']:.0f} % of the machine", flush=True)


if __name__ == "__main__":
    main()
