"""The sites of tests/bench/line.py: eight units of ten registers on one serial line, or fifty TCP hosts of six."""
import json
import os
import re
import time

import harness
import sites

START, START_MS = "2026-03-05T08:00:00+08:00", 1772668800000
TEN_POINTS = "louvre-pm-weather"
TWO_POINTS = "two-points"  # a minute's message holds some 110 points, so each of fifty hosts has two
TWO_POINTS_FILE = """
title: {zh: 六个寄存器两个测点, en: Two points in six registers}
source: made for the bench, no device
points:
  pm25: {title: {zh: PM2.5, en: PM2.5}, unit: ug/m3, role: pm25, address: 0, type: u16}
  pm10: {title: {zh: PM10, en: PM10}, unit: ug/m3, role: pm10, address: 5, type: u16}
"""
DEAD = "u8"
SLACK_US = 100000  # between an answer and its line in dustsim's log, on a busy machine; the next answer is a second away


class BenchSite(harness.Site):
    """A site that runs in a with statement; its log of polls is read when it has ended."""

    def __init__(self, *args, watch="#", under=(), **named):
        super().__init__(*args, **named)
        self.clock_offset_us = time.time_ns() // 1000 - time.monotonic_ns() // 1000
        self.watch, self.under = watch, under
        os.mkdir(os.path.join(self.dir, "devices"))
        self.write(f"devices/{TWO_POINTS}.yaml", TWO_POINTS_FILE)

    def __enter__(self):
        try:
            self.watchers.append(Stamped(self.dir, self.broker.port, f"dust/1/example/{self.watch}"))
            self.start_sim()
            self.start_dustd(under=self.under)
        except BaseException:
            self.close()
            raise
        if not self.dustd.running():
            raise AssertionError(self.dustd.text())
        return self

    def __exit__(self, *_):
        self.close()

    def start_dustd(self, *args, under=(), **named):
        """Under another program if wanted, which starts in the site's folder."""
        plain = harness.Process
        if under:
            harness.Process = lambda args, log: plain(["env", "-C", self.dir, *under, *args], log)
        try:
            super().start_dustd(*args, **named)
        finally:
            harness.Process = plain

    def polls(self):
        with open(self.sim_log, "rb") as f:
            return sum(1 for line in f if b'"event":"poll"' in line)

    def finished(self):
        """(polls in order, requests inside the silence) of a site that is stopped by this."""
        self.dustd.stop()
        self.sim.stop()
        lines = self.sim_polls()
        return [l for l in lines if l["event"] == "poll"], sum(l["hasty"] for l in lines if l["event"] == "summary")


class PolledSite(BenchSite):
    """The same site read by bench_poller instead of the daemon."""

    def start_dustd(self, *_, **__):
        with open(self.config_file, encoding="utf-8") as f:
            site = f.read()
        poller = os.path.join(harness.BUILD, "tests", "bench_poller")
        self.dustd = harness.Process([poller, os.path.join(self.dir, "bus1"), re.search(r"baud: ([0-9]+)", site)[1],
                                      str(site.count("unit_id:"))], os.path.join(self.dir, "poller.log"))


class Stamped(harness.Subscriber):
    """mosquitto_sub that says when it had each message, in seconds since 1970 with all digits."""

    def start(self):
        self.process = harness.Process(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.port), "-t", self.topic, "-q", "1",
                                        "-i", self.name, "-V", "mqttv311", "-F", "%U %r %t %p"], self.file)


def config(buses, devices, live):
    return (sites.HEAD + (f"live_every: {live}\n" if live else "") + "buses:\n" + "".join(buses) + "devices:\n" + "".join(devices)
            + sites.LIMITS + sites.BROKER)


def device(i, bus, profile, unit_id, period):
    return f"  u{i}: {{title: {{zh: {i}号, en: Unit {i}}}, bus: {bus}, profile: {profile}, unit_id: {unit_id}, period: {period}}}\n"


def unit(i, bus, profile, unit_id, turnaround_ms, silence):
    return (f"  u{i}: {{bus: {bus}, profile: {profile}, unit_id: {unit_id}, turnaround: {turnaround_ms}ms, silence: {silence}, "
            f"points: {{pm10: {{constant: 80, noise: 5}}}}}}\n")


def serial(n, baud, period, rate=1, dead=None, start=START, live=None, timeout="300ms", made=BenchSite, **named):
    """n units on one line; `dead`: from when the last of them is silent."""
    sim = (f"buses:\n  bus1: {{transport: rtu, link: {{dir}}/bus1, baud: {baud}}}\nunits:\n"
           + "".join(unit(i, "bus1", TEN_POINTS, i, 2, "true") for i in range(1, n + 1))
           + (f"faults:\n  - {{kind: silent, unit: {DEAD}, from: {dead}}}\n" if dead else ""))
    buses = [f"  bus1: {{transport: rtu, path: {{dir}}/bus1, baud: {baud}, timeout: {timeout}}}\n"]
    devices = [device(i, "bus1", TEN_POINTS, i, period) for i in range(1, n + 1)]
    return made(sim, config(buses, devices, live), rate=rate, start=start, **named)


def hosts(n, period, latency_ms, rate=1):
    """n TCP hosts on this machine, one unit each that answers after latency_ms."""
    ports = []
    while len(ports) < n:
        port = harness.free_port()
        if port not in ports:
            ports.append(port)
    sim = ("buses:\n" + "".join(f"  h{i}: {{transport: tcp, port: {port}}}\n" for i, port in enumerate(ports)) + "units:\n"
           + "".join(unit(i, f"h{i}", TWO_POINTS, 1, latency_ms, "false") for i in range(n)))
    buses = [f"  h{i}: {{transport: tcp, host: 127.0.0.1, port: {port}}}\n" for i, port in enumerate(ports)]
    return BenchSite(sim, config(buses, [device(i, f"h{i}", TWO_POINTS, 1, period) for i in range(n)], None), rate=rate, start=START)


def ages_ms(site, log, answer_s):
    """How old each live value was when the subscriber had it, counted from the answer's first bit. The answer of a message is the last
    one of its unit before its own stamp, which is when the daemon had read it."""
    ends = {}
    for p in log:
        if p["outcome"] == "answer":
            ends.setdefault(p["unit"], []).append(p["wire_us"] + site.clock_offset_us)
    with open(site.watchers[0].file, errors="replace") as f:
        for line in f:
            at, _, topic, body = line.split(" ", 3)
            stamp_us = json.loads(body)["ts"] * 1000 + SLACK_US
            before = [us for us in ends.get(topic.rsplit("/", 1)[1], []) if us <= stamp_us]
            if before:
                yield (float(at) * 1e6 - before[-1]) / 1000 + answer_s * 1000
