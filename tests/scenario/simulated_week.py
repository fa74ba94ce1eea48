"""A week of the six requirements at a simulated site, its verdicts written down before; and what plays it: dustsim is the
site, a broker carries vehicles, pictures and inspections, dustd judges. Each input can be left out.

The site works from 23:45 to 24:00 only, and its gateway has power from 23:43 to some minutes after midnight: so a day is
over in seconds, and each night is a power cut.

Time runs fast, and a machine that has too much to do comes too late for it. That shows: minutes lack readings that nobody
left out. Such a day says nothing about dustd and is played once more, at half the speed; at the slowest it counts."""
import json
import os
import shutil
import subprocess
import sys
import time

import harness
import sites
from harness import HANGS, wait_for

RATES = (40, 20, 10, 5, 3) if harness.SANITIZED else (120, 60, 30, 15, 8, 4)
STARTS_US = 1000000  # the programs have this long before it is 23:43
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
FIRST = 1772380800000  # 2026-03-02T00:00+08:00, a Monday

PROFILE = """
title: {{zh: 测试, en: Test}}
source: a test's own
points:
  {point}: {{title: {{zh: 测, en: Test}}, role: {role}, address: 0, {more}}}
"""
POINTS = {  # device: point, role, the rest of its profile
    "gate": ("open", "gate", "table: discrete, type: bit"),
    "bay": ("pump", "wash", "table: discrete, type: bit"),
    "dust": ("pm10", "pm10", "unit: ug/m3, type: u16"),
    "air": ("temperature", "temperature", "unit: degC, type: i16"),
    "pipe": ("flow", "flow", "unit: m3/h, type: u16"),
}
PROFILES = {device: PROFILE.format(point=point, role=role, more=more) for device, (point, role, more) in POINTS.items()}

REQUIREMENTS = """
title: {zh: 测试, en: Test}
source: a test's own
requirements:
  enclosure:
    title: {zh: 封闭, en: Enclosed}
    checks:
      gate-shut: {title: {zh: 门, en: Gate}, kind: during, role: gate, state: off, every: 5min, grace: 2min, vehicle: 1min}
  hardening:
    title: {zh: 硬化, en: Hardened}
    checks:
      looked-at: {title: {zh: 查, en: Look}, kind: attest, every: 3d, by: [community]}
  covering:
    title: {zh: 覆盖, en: Covered}
    checks:
      soil: {title: {zh: 土, en: Soil}, kind: share, what: soil, at_most: 5, every: 5min, apart: 3min, excuses: [holiday]}
  watering:
    title: {zh: 洒水, en: Watered}
    checks:
      dry: {title: {zh: 水, en: Water}, kind: duty, every: 5min, flow: 1 m3/h, flow_for: 2min, excuses: [frost, holiday]}
      dusty: {title: {zh: 尘, en: Dust}, kind: response, role: pm10, over: 150 ug/m3, lasts: 2min, within: 3min, flow: 1 m3/h,
              excuses: [frost, holiday]}
  transport:
    title: {zh: 运输, en: Covered loads}
    checks:
      covered: {title: {zh: 密闭, en: Covered}, kind: passage, need: cover, lasts: 1s, within: 1min}
  washing:
    title: {zh: 冲洗, en: Washed}
    checks:
      washed: {title: {zh: 冲, en: Wash}, kind: passage, need: wash, lasts: 90s, within: 3min}
"""

CONFIG = sites.HEAD.replace("community: 示例社区", "community: 示例社区\n  zone: Asia/Shanghai") + sites.BUS + "devices:\n" + "".join(
    f"  {device}: {{title: {{zh: {device}, en: {device}}}, bus: bus1, profile: {device}, unit_id: {n}, period: 10s}}\n"
    for n, device in enumerate(POINTS, 1)) + """
requirements: {file: short, person: site-manager, hours: ["23:45-24:00"]}
sources:
  camera: {kinds: [alive, passage, camera]}
  phone: {kinds: [inspection, calendar], person: community}
mqtt:
  local: {host: 127.0.0.1, port: {port}, inputs: true}
"""

# Verdict, met, of met and failed, unknown, excused: enclosure, hardening, covering, watering, transport, washing.
P, B, U = "pass", "breach", "unknown"
NAMES = ("enclosure", "hardening", "covering", "watering", "transport", "washing")
WEEK = {
    MON: ((P, 3, 3, 0, 0), (P, 1, 1, 0, 0), (P, 3, 3, 0, 0), (P, 3, 3, 0, 0), (P, 2, 2, 0, 0), (P, 2, 2, 0, 0)),
    # the second vehicle is not washed; the gate stands open from 23:50 to 23:54
    TUE: ((B, 2, 3, 0, 0), (P, 1, 1, 0, 0), (P, 3, 3, 0, 0), (P, 3, 3, 0, 0), (P, 2, 2, 0, 0), (B, 1, 2, 0, 0)),
    # frost: no water, not even when it is dusty
    WED: ((P, 3, 3, 0, 0), (P, 1, 1, 0, 0), (P, 3, 3, 0, 0), (P, 0, 0, 0, 4), (P, 2, 2, 0, 0), (P, 2, 2, 0, 0)),
    # power cut from 23:50 to 23:54, of the camera too; Monday's inspection has expired
    THU: ((U, 2, 2, 1, 0), (U, 0, 0, 1, 0), (U, 2, 2, 1, 0), (U, 2, 2, 2, 0), (U, 2, 2, 1, 0), (U, 2, 2, 1, 0)),
    # the flow meter does not answer
    FRI: ((P, 3, 3, 0, 0), (U, 0, 0, 1, 0), (P, 3, 3, 0, 0), (U, 0, 0, 3, 0), (P, 2, 2, 0, 0), (P, 2, 2, 0, 0)),
    # a holiday: no vehicle, no water, no picture
    SAT: ((P, 3, 3, 0, 0), (U, 0, 0, 1, 0), (P, 0, 0, 0, 3), (P, 0, 0, 0, 3), (P, 0, 0, 0, 0), (P, 0, 0, 0, 0)),
    # the first vehicle is washed for a minute only, the second was seen uncovered; too much bare soil in two pictures
    SUN: ((P, 3, 3, 0, 0), (U, 0, 0, 1, 0), (B, 1, 3, 0, 0), (P, 3, 3, 0, 0), (B, 1, 2, 0, 0), (B, 1, 2, 0, 0)),
}

# What an unknown verdict must name.
MISSING = {(THU, "enclosure"): "gate/open", (THU, "covering"): "camera", (THU, "watering"): "pipe/flow",
           (THU, "transport"): "camera", (THU, "washing"): "camera", (FRI, "watering"): "pipe/flow",
           **{(day, "hardening"): "expired" for day in (THU, FRI, SAT, SUN)}}

# The inputs that can be left out, what a verdict that changes names then, and a day on which one does.
INPUTS = {"gate": ("gate/open", MON), "bay": ("bay/pump", MON), "dust": ("dust/pm10", TUE), "air": ("air/temperature", WED),
          "pipe": ("pipe/flow", MON), "camera": ("camera", TUE), "inspection": ("inspection", MON), "calendar": ("holiday", SAT)}


def at(day, clock):
    """Milliseconds; "24:00" is the next day's midnight."""
    hour, minute, *second = (int(part) for part in clock.split(":"))
    return FIRST + ((day * 24 + hour) * 60 + minute) * 60000 + sum(second) * 1000


def steps(*spans):
    return "[" + ", ".join(f'{{from: "{a}", to: "{b}", value: {v}}}' for a, b, v in spans) + "]"


def play(day, without=None):
    """The simulator's file of a day."""
    pump = {TUE: [("23:46", "23:48", 1)], SAT: [], SUN: [("23:47", "23:48", 1), ("23:55", "23:57", 1)]}.get(
        day, [("23:46", "23:48", 1), ("23:55", "23:57", 1)])
    gate = [("23:50", "23:54", 1)] if day == TUE else []
    water = [] if day in (WED, SAT) else [("23:46", "23:49", 3), ("23:51", "23:54", 3), ("23:56", "23:59", 3)]
    dust = [("23:51", "23:54", 200)] if day == WED else []
    values = {"gate": f"steps: {steps(*gate)}", "bay": f"steps: {steps(*pump)}", "dust": f"constant: 80, steps: {steps(*dust)}",
              "air": f"constant: {1 if day == WED else 12}", "pipe": f"steps: {steps(*water)}"}
    units = "".join(f"  {device}: {{bus: bus1, profile: {device}, unit_id: {n}, turnaround: 1ms, points: "
                    f"{{{POINTS[device][0]}: {{{value}}}}}}}\n" for n, (device, value) in enumerate(values.items(), 1))
    faults = ["{kind: silent, unit: pipe}"] if day == FRI else []
    if without in POINTS:
        faults.append(f"{{kind: exception, code: 4, unit: {without}}}")
    return f"""
zone: "+08:00"
buses:
  bus1: {{transport: rtu, link: {{dir}}/bus1, baud: 115200}}
units:
{units}""" + (f"faults: [{', '.join(faults)}]\n" if faults else "")


def said(kind, source, day, number, **more):
    return f"{kind}/{source}", {"id": f"{kind}-{day}-{number}", **more}


def looked_at():
    return said("inspection", "phone", MON, 0, at=at(MON, "23:44"), about="hardening/looked-at", value=100)


def declared(day):
    """What is said beforehand: (topic, message)."""
    if day == SAT:
        yield said("calendar", "phone", day, 0, **{"from": at(day, "00:00"), "to": at(day, "24:00")}, what="holiday")


def messages(day):
    """What the sources say when a day is over: (topic, message)."""
    watched = [("23:43", "23:50"), ("23:54", "24:00")] if day == THU else [("23:43", "24:00")]
    for n, (since, until) in enumerate(watched):
        yield said("alive", "camera", day, n, **{"from": at(day, since), "to": at(day, until)})
    if day == MON:
        yield looked_at()
    if day == SAT:
        return
    yield said("passage", "camera", day, 1, at=at(day, "23:48:30"), direction="out", plate="晋J11111")
    yield said("passage", "camera", day, 2, at=at(day, "23:57:30"), direction="out", plate="晋J22222")
    if day == SUN:
        yield said("camera", "camera", day, 9, at=at(day, "23:57:50"), what="uncovered", plate="晋J22222")
    for n, (clock, value) in enumerate((("23:46", 3), ("23:51", 8 if day == SUN else 3), ("23:56", 9 if day == SUN else 3))):
        if not (day == THU and clock == "23:51"):
            yield said("camera", "camera", day, n, at=at(day, clock), what="soil", value=value)


class TooFast(Exception):
    """The machine did not keep up with the clock's rate."""


class WeekTest(harness.ScenarioTest):
    """Plays days of the week, each with a dustsim of its own and the same daemon's state."""
    slower = 0  # the rate to try next: RATES[slower]

    def make(self):
        site = self.site("", CONFIG)
        site.told = set()
        for kind, files in (("devices", PROFILES), ("requirements", {"short": REQUIREMENTS})):
            os.mkdir(os.path.join(site.dir, kind))
            for name, text in files.items():
                with open(os.path.join(site.dir, kind, f"{name}.yaml"), "w") as f:
                    f.write(text)
        return site

    def play_days(self, days, ended, without=None):
        """The site after these days without the input; `ended` is called with site and day when a day is over and everything
        about it is said, while dustd runs. What it asserts counts for a day in which the machine kept up."""
        site = self.make()
        for day in days:
            while not self.keeps_up(site, day, ended, without, first=day == days[0]):
                WeekTest.slower += 1
                print(f"once more at rate {RATES[WeekTest.slower]}", file=sys.stderr, flush=True)
            WeekTest.slower = max(WeekTest.slower - 1, 0)  # tomorrow it may have less to do
        return site

    def keeps_up(self, site, day, ended, without, first):
        """Plays a day. False: it says nothing, the machine was too slow; everything is as it was before it."""
        site.rate, told = RATES[WeekTest.slower], set(site.told)
        state, before = os.path.join(site.dir, "state"), os.path.join(site.dir, "before")
        shutil.rmtree(before, ignore_errors=True)
        if not first:
            shutil.copytree(state, before)
        try:
            self.live(site, day, ended, without, first)
        except TooFast as late:
            if WeekTest.slower + 1 == len(RATES):
                raise AssertionError(f"too slow a machine, even at {site.rate} times the world's speed: {late}") from late
            print(f"day {day}{f', without {without}' if without else ''}: {late}", file=sys.stderr, flush=True)
            for program in (site.dustd, site.sim):
                program.kill()
            os.remove(site.sim.log)
            shutil.rmtree(state)
            if not first:
                os.rename(before, state)
            site.told = told
            return False
        return True

    def live(self, site, day, ended, without, first):
        self.start(site, day, without)
        if first and day > MON:
            self.tell(site, [looked_at()], without)
        self.tell(site, declared(day), without)
        if day == THU:
            self.cut_power(site, day)
        self.until(site, day, "24:00:05")
        self.kept_up(site, day, without)
        self.tell(site, messages(day), without)
        wait_for(f"the verdicts of day {day}", lambda: self.is_said(site, day), HANGS)
        ended(site, day)
        self.assertEqual(site.dustd.stop(patience=HANGS), 0)
        site.sim.stop()
        os.remove(site.sim.log)  # tomorrow's must not be taken for ready by what today's has said

    def start(self, site, day, without):
        site.start_stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at(day, "23:43") // 1000))
        site.write("sim.yaml", play(day, without))
        site.since_us = time.monotonic_ns() // 1000 + STARTS_US
        site.start_sim("--devices", os.path.join(site.dir, "devices"), "--clock-since", str(site.since_us))
        site.start_dustd()
        self.shown(site)

    def now(self, site, day):
        """What the clock of the day's programs shows."""
        return at(day, "23:43") + (time.monotonic_ns() // 1000 - site.since_us) * site.rate // 1000

    def until(self, site, day, clock):
        wait_for(f"{clock} of day {day}", lambda: self.shown(site) >= at(day, clock), HANGS)

    def shown(self, site):
        """dustd's clock; 0 while it does not answer."""
        self.assertTrue(site.dustd.running() and site.sim.running(), "dustd and dustsim run")
        return (site.status() or {"now": 0})["now"]

    def cut_power(self, site, day):
        self.until(site, day, "23:50:01")
        site.dustd.kill()
        if self.now(site, day) > at(day, "23:50:30"):
            raise TooFast("the power cut came too late")
        wait_for("the power to come back", lambda: self.now(site, day) >= at(day, "23:54"), HANGS)
        site.start_dustd()

    def kept_up(self, site, day, without):
        """Every minute of work has its readings, but those that the scenario takes away."""
        minutes = wait_for("the day's last minute", lambda: self.minutes(site, at(day, "23:59")), HANGS)
        gone = {without, "pipe" if day == FRI else None}
        cut = range(at(day, "23:50"), at(day, "23:55"), 60000) if day == THU else ()
        for minute in range(at(day, "23:45"), at(day, "24:00"), 60000):
            for device in POINTS.keys() - gone if minute not in cut else ():
                value = minutes.get(minute, {}).get(f"{device}/{POINTS[device][0]}", {"n": 0, "of": 1})
                if value["n"] * 4 < value["of"] * 3:
                    raise TooFast(f"minute {(minute - at(day, '23:00')) // 60000} of day {day}: {device} {value}")

    def minutes(self, site, last):
        """{start: points}; None without the last one."""
        bodies = [json.loads(row["body"]) for row in site.export_live("minute")]
        found = {body["ts"]: body["points"] for body in bodies}
        return found if last in found else None

    def tell(self, site, told, without):
        wait_for("the broker to be connected", lambda: (site.status() or {"mqtt": [{}]})["mqtt"][0].get("connected"), HANGS)
        for topic, message in told:
            if without in topic.split("/"):
                continue
            site.told.add(message["id"])
            subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(site.broker.port), "-q", "1", "-t",
                            f"dust/1/example/in/{topic}", "-m", json.dumps(message)], check=True, timeout=HANGS)

    def rows(self, site):
        """The bodies of all rows so far."""
        rows = [json.loads(line) for line in site.ctl("export", "--rows").splitlines()]
        return [json.loads(row["body"]) for row in rows if "body" in row]

    def is_said(self, site, day):
        """Whether each requirement has been judged and all that was said has come: what comes after that judges the day again
        in the same breath."""
        bodies = self.rows(site)
        return site.told <= {body.get("id") for body in bodies} and set(NAMES) == self.verdicts(site, day, bodies).keys()

    def verdicts(self, site, day, bodies=None):
        """The last word on each requirement."""
        bodies = bodies or self.rows(site)
        return {body["subject"]: body for body in bodies if body["kind"] == "requirement" and body["ts"] == at(day, "00:00")}
