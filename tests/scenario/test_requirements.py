"""A week of the six requirements with all programs: dustsim plays the site, a broker carries vehicles, pictures and
inspections, dustd judges. The verdicts stand in the table WEEK, written down before.

The site works from 23:45 to 24:00 only, and its gateway has power from 23:43 to some minutes after midnight: so a day is
over in half a minute, and each night is a power cut. script/storm plays the week, the quick test two of its days.
"""
import json
import os
import subprocess
import time
import unittest

import harness
import replayed
import sites
from harness import wait_for

RATE = 40  # a minute of the site is a second and a half: half a second of a busy machine costs none
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
FIRST = 1772380800000  # 2026-03-02T00:00+08:00, a Monday

PROFILES = {
    "box": """
title: {zh: 测试, en: Test}
source: a test's own
points:
  gate: {title: {zh: 门, en: Gate}, role: gate, table: discrete, address: 0, type: bit}
  pump: {title: {zh: 泵, en: Pump}, role: wash, table: discrete, address: 1, type: bit}
  pm10: {title: {zh: 尘, en: PM10}, role: pm10, unit: ug/m3, address: 1, type: u16}
  temperature: {title: {zh: 温, en: T}, role: temperature, unit: degC, address: 2, type: i16}
""",
    "meter": """
title: {zh: 测试, en: Test}
source: a test's own
points:
  flow: {title: {zh: 流, en: Flow}, role: flow, unit: m3/h, address: 0, type: u16}
"""}

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

CONFIG = sites.HEAD.replace("community: 示例社区", "community: 示例社区\n  zone: Asia/Shanghai") + sites.BUS + """
devices:
  box: {title: {zh: 箱, en: Box}, bus: bus1, profile: box, unit_id: 1, period: 4s}
  meter: {title: {zh: 表, en: Meter}, bus: bus1, profile: meter, unit_id: 2, period: 4s}
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
MISSING = {(THU, "enclosure"): "box/gate", (THU, "covering"): "camera", (THU, "watering"): "meter/flow",
           (THU, "transport"): "camera", (THU, "washing"): "camera", (FRI, "watering"): "meter/flow",
           **{(day, "hardening"): "expired" for day in (THU, FRI, SAT, SUN)}}


def at(day, clock):
    """Milliseconds; "24:00" is the next day's midnight."""
    hour, minute, *second = (int(part) for part in clock.split(":"))
    return FIRST + ((day * 24 + hour) * 60 + minute) * 60000 + sum(second) * 1000


def steps(*spans):
    return "[" + ", ".join(f'{{from: "{a}", to: "{b}", value: {v}}}' for a, b, v in spans) + "]"


def play(day):
    """The simulator's file of a day."""
    pump = {TUE: [("23:46", "23:48", 1)], SAT: [], SUN: [("23:47", "23:48", 1), ("23:55", "23:57", 1)]}.get(
        day, [("23:46", "23:48", 1), ("23:55", "23:57", 1)])
    gate = [("23:50", "23:54", 1)] if day == TUE else []
    water = [] if day in (WED, SAT) else [("23:46", "23:49", 3), ("23:51", "23:54", 3), ("23:56", "23:59", 3)]
    dust = [("23:51", "23:54", 200)] if day == WED else []
    silent = "faults: [{kind: silent, unit: meter}]\n" if day == FRI else ""
    return f"""
zone: "+08:00"
buses:
  bus1: {{transport: rtu, link: {{dir}}/bus1, baud: 115200}}
units:
  box:
    {{bus: bus1, profile: box, unit_id: 1, turnaround: 1ms, points: {{gate: {{steps: {steps(*gate)}}}, pump: {{steps: {steps(*pump)}}},
     pm10: {{constant: 80, steps: {steps(*dust)}}}, temperature: {{constant: {1 if day == WED else 12}}}}}}}
  meter: {{bus: bus1, profile: meter, unit_id: 2, turnaround: 1ms, points: {{flow: {{steps: {steps(*water)}}}}}}}
{silent}"""


def declared(day):
    """What is said beforehand: (topic, message)."""
    if day == SAT:
        yield "calendar/phone", {"id": "holiday", "from": at(day, "00:00"), "to": at(day, "24:00"), "what": "holiday"}


def messages(day):
    """What the sources say when a day is over: (topic, message)."""
    def said(kind, source, number, **more):
        return f"{kind}/{source}", {"id": f"{kind}-{day}-{number}", **more}

    watched = [("23:43", "23:50"), ("23:54", "24:00")] if day == THU else [("23:43", "24:00")]
    for n, (since, until) in enumerate(watched):
        yield said("alive", "camera", n, **{"from": at(day, since), "to": at(day, until)})
    if day == MON:
        yield said("inspection", "phone", 0, at=at(day, "23:44"), about="hardening/looked-at", value=100)
    if day == SAT:
        return
    yield said("passage", "camera", 1, at=at(day, "23:48:30"), direction="out", plate="晋J11111")
    yield said("passage", "camera", 2, at=at(day, "23:57:30"), direction="out", plate="晋J22222")
    if day == SUN:
        yield said("camera", "camera", 9, at=at(day, "23:57:50"), what="uncovered", plate="晋J22222")
    for n, (clock, value) in enumerate((("23:46", 3), ("23:51", 8 if day == SUN else 3), ("23:56", 9 if day == SUN else 3))):
        if not (day == THU and clock == "23:51"):
            yield said("camera", "camera", n, at=at(day, clock), what="soil", value=value)


class Requirements(harness.ScenarioTest):
    def make(self):
        site = self.site("", CONFIG, rate=RATE)
        for kind, files in (("devices", PROFILES), ("requirements", {"short": REQUIREMENTS})):
            os.mkdir(os.path.join(site.dir, kind))
            for name, text in files.items():
                with open(os.path.join(site.dir, kind, f"{name}.yaml"), "w") as f:
                    f.write(text)
        return site

    def start(self, site, day):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at(day, "23:43") // 1000))
        site.start_stamp = stamp
        site.write("sim.yaml", play(day))
        site.since_us = time.monotonic_ns() // 1000
        site.start_sim("--devices", os.path.join(site.dir, "devices"))
        site.start_dustd()

    def until(self, site, day, clock):
        wait_for(f"{clock} of day {day}", lambda: (site.status() or {"now": 0})["now"] >= at(day, clock))

    def tell(self, site, said):
        wait_for("the broker to be connected", lambda: (site.status() or {"mqtt": [{}]})["mqtt"][0].get("connected"))
        for topic, message in said:
            subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(site.broker.port), "-q", "1", "-t",
                            f"dust/1/example/in/{topic}", "-m", json.dumps(message)], check=True, timeout=harness.PATIENCE)

    def verdicts(self, site, day):
        """The last of each requirement."""
        rows = [json.loads(row["body"]) for row in site.export_live("requirement")]
        return {row["subject"]: row for row in rows if row["ts"] == at(day, "00:00")}

    def judged(self, site, day):
        """As in the table, or None while one is missing."""
        rows = self.verdicts(site, day)
        if set(rows) != set(NAMES):
            return None
        return tuple((rows[n]["verdict"], rows[n]["num"], rows[n]["den"], rows[n]["unknown"], rows[n]["excused"]) for n in NAMES)

    def live(self, site, day):
        self.start(site, day)
        self.tell(site, declared(day))
        if day == THU:
            self.until(site, day, "23:50:01")
            site.dustd.kill()
            back_us = site.since_us + (at(day, "23:54") - at(day, "23:43")) * 1000 // RATE
            self.assertLess(time.monotonic_ns() // 1000, back_us, "the cut came too late")
            wait_for("the power to come back", lambda: time.monotonic_ns() // 1000 >= back_us)
            site.start_dustd()
        self.until(site, day, "24:00:05")
        self.tell(site, messages(day))
        try:
            wait_for(f"the verdicts of day {day}", lambda: self.judged(site, day) == WEEK[day], patience=harness.PATIENCE)
        except AssertionError:
            rows = self.verdicts(site, day)
            self.assertEqual(self.judged(site, day), WEEK[day], json.dumps(rows, ensure_ascii=False, indent=1))
        for name in NAMES:
            if (day, name) in MISSING:
                self.assertIn(MISSING[day, name], json.dumps(self.verdicts(site, day)[name]))
        self.board(site, day)
        self.assertEqual(site.dustd.stop(), 0)
        site.sim.stop()
        os.remove(site.sim.log)  # tomorrow's must not be taken for ready by what today's has said

    def board(self, site, day):
        """dustctl and the broker tell how the new day stands and how this one ended."""
        board = json.loads(site.ctl("--json", "requirements"))["requirements"]
        self.assertEqual([line["name"] for line in board], list(NAMES))
        self.assertEqual([(line["last_day"]["verdict"], line["last_day"]["num"], line["last_day"]["den"]) for line in board],
                         [wanted[:3] for wanted in WEEK[day]])
        self.assertTrue(all(line["since"] >= at(day, "24:00") for line in board))
        shown = site.ctl("--lang", "zh", "requirements")
        self.assertIn("洒水", shown)
        self.assertIn({P: "达标", B: "不达标", U: "不可判定"}[WEEK[day][0][0]], shown)
        watcher = site.watcher("dust/1/example/requirements", f"board{day}")
        retained = wait_for("the board at the broker", lambda: watcher.messages("requirements"))[-1]
        self.assertTrue(retained[0])
        self.assertEqual([line["name"] for line in retained[2]["requirements"]], list(NAMES))

    def judged_anew(self, site):
        """A back-test of the export says what the daemon said, of every day, but for what it does not do at all."""
        done = subprocess.run([harness.program("dustctl"), "--db", site.database(), "export"], capture_output=True, text=True,
                              timeout=harness.PATIENCE, check=True)
        lines = done.stdout.splitlines()
        mine = replayed.said(lines)
        self.assertGreater(len(replayed.said(lines, ("requirement",))), len(NAMES))
        self.assertGreater(len(replayed.said(lines, ("issue",))), 1)
        self.assertEqual(replayed.anew(site, lines), mine)
        kinds = {row["kind"] for row in map(json.loads, lines) if "kind" in row}
        self.assertLessEqual(kinds - set(replayed.KINDS), replayed.NOT_SAID_ANEW)

    def issues(self, site):
        """(kind, subject, cause) of every issue that was opened."""
        rows, _ = site.export("--rows")
        steps = [json.loads(row["body"]) for row in rows if row["kind"] == "issue"]
        return {tuple(step["about"][k] for k in ("kind", "subject", "cause")) for step in steps if step["step"] == "open"}

    def test_days_end_with_the_verdicts_written_down_before(self):
        site = self.make()
        days = range(7) if harness.STORM else (MON, TUE)
        for day in days:
            with self.subTest(day=day):
                self.live(site, day)
        wanted = {("requirement", "enclosure", "gate-shut/state"), ("wash", "washing", "washed/wash_none")}
        if harness.STORM:
            wanted |= {("wash", "washing", "washed/wash_short"), ("requirement", "covering", "soil/too_much"),
                       ("requirement", "transport", "covered/uncovered")}
        self.assertEqual(self.issues(site), wanted)
        self.judged_anew(site)


if __name__ == "__main__":
    harness.main()
