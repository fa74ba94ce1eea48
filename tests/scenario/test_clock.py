"""The clock that is not right: 1970 until a time server is found, steps, boots without a date, and TLS that needs one."""
import json
import os
import statistics
import subprocess
import time

import harness
import independent
import sites

RATE = 3600 if harness.STORM else 1200
# Real time that may lie between an answer and its stamp: the storm runs alone, beside other tests a process may have to wait.
USUAL_MS, MOST_MS = (0, 300) if harness.STORM else (50, 5000)
HOURS = 72 if harness.STORM else 3
START = "2026-03-05T08:17:23+08:00"
START_MS = independent.stamp_ms(START)
HOUR_MS = independent.HOUR_MS

SIM = """
buses:
  bus1: {transport: rtu, link: {dir}/bus1, baud: 115200}
units:
  meter: {bus: bus1, profile: nova-sds069, unit_id: 1, turnaround: 1ms, points: {pm10: {constant: 120, noise: 30},
    pm25: {constant: 40}, pm1: {constant: 20}, tsp: {constant: 200}}}
"""
CONFIG = sites.HEAD + sites.BUS.replace("200ms", "2s") + """
devices:
  meter: {title: {zh: 一号扬尘仪, en: Dust meter 1}, bus: bus1, profile: nova-sds069, unit_id: 1, period: 30s}
limits:
  shanxi-taiyuan: {person: site-manager}
"""


def stamp(at_ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(at_ms // 1000 + 8 * 3600))


def body(row):
    return json.loads(row["body"])


class Undated(harness.ScenarioTest):
    def started(self, config=CONFIG + sites.BROKER):
        site = self.site(SIM, config, rate=RATE, start=START, continuous=True)
        site.seen = site.watcher()
        site.start_sim()
        return site

    def boot(self, site, name, synced_ms):
        site.start_dustd("--boot-id", name, "--unsynced-until", stamp(synced_ms))

    def site_ms(self, site):
        """The true site time: what the simulated clock would say if it were right."""
        return START_MS + (time.monotonic_ns() // 1000 - site.since_us) * RATE // 1000

    def pass_time(self, site, until_ms):
        harness.wait_for("site time to pass", lambda: self.site_ms(site) >= until_ms, 200)

    def measure(self, site, readings):
        before = len(self.answers(site))
        harness.wait_for("readings", lambda: len(self.answers(site)) >= before + readings)

    def settled(self, site):
        def done():
            s = site.status()
            return s and s["dated"] and s["held"] == 0 and s["mqtt"][0]["behind"] <= 1 and s
        return harness.wait_for("all to be dated and sent", done, 200)

    def answers(self, site):
        """When each answer of the meter was whole, in true site time."""
        return [START_MS + (p["wire_us"] - site.since_us) * RATE / 1000 for p in site.sim_polls()
                if p["event"] == "poll" and p["outcome"] == "answer"]

    def no_wrong_date_left(self, site):
        for seq, m in site.seen.rows():
            self.assertGreaterEqual(m["ts"], START_MS - 24 * HOUR_MS, (seq, m))  # the start of a window, a day at most
        for _, topic, m in site.seen.messages():
            for key in ("now", "since", "ts"):
                if isinstance(m, dict) and key in m and "seq" not in m:
                    self.assertGreaterEqual(m[key], START_MS - 60_000, (topic, m))

    def test_days_at_1970_get_their_true_stamps_once_the_clock_is_right(self):
        """lafrech/oem_gateway#12: after a power cut data are stamped with the old date until NTP works."""
        site = self.started()
        synced_ms = START_MS + HOURS * HOUR_MS
        self.boot(site, "0000-a", synced_ms)
        self.pass_time(site, synced_ms - HOUR_MS)
        status = site.status()
        self.assertFalse(status["dated"])
        self.assertNotIn("now", status)
        self.assertEqual((status["seq"], site.seen.rows()), (0, []), "nothing is a row, nothing has left")
        self.assertIn("不上报", site.ctl("status"))
        self.pass_time(site, synced_ms + HOUR_MS // 2)
        self.settled(site)
        self.assertEqual(site.dustd.stop(), 0)
        rows, samples = site.export()
        self.assertTrue(independent.chain_is_whole(rows))
        self.no_wrong_date_left(site)
        errors = self.compare(site, samples)
        late = [r for r in rows if body(r).get("late")]
        # one row each; what never moves is found to stand still, and its hours are told again
        hours = [r["at"] for r in rows if r["kind"] == "hour" and "corrects" not in body(r)]
        self.assertEqual(hours, list(range(hours[0], hours[0] + len(hours) * HOUR_MS, HOUR_MS)))
        self.assertGreaterEqual(len(hours), HOURS - 1)
        minutes = [r["at"] for r in rows if r["kind"] == "minute"]
        self.assertEqual(minutes, list(range(minutes[0], minutes[0] + len(minutes) * 60_000, 60_000)))
        print(f"RESULT {HOURS} h at 1970 at {RATE}-fold time: {len(errors)} readings, 0 lost, {len(late)} late rows; stamps off "
              f"by {statistics.median(errors) / 1000:.2f} s (median, {statistics.median(errors) / RATE:.2f} ms of the machine's "
              f"time), at most {max(errors) / RATE:.1f} ms of the machine's")

    def compare(self, site, samples):
        """Each answer is one sample, in order, and its stamp is when the answer came."""
        stamps = sorted(s["at"] for s in samples if s["point"] == "meter/pm10" and s["regs"])  # a spike has no value
        answers = self.answers(site)
        # the last may be on its way when it is told to stop
        self.assertIn(len(answers) - len(stamps), (0, 1), "a reading was lost or doubled")
        errors = [abs(a - b) for a, b in zip(stamps, answers)]
        self.assertLess(statistics.median(errors), 1000 + USUAL_MS * RATE)
        self.assertLess(max(errors), 1000 + MOST_MS * RATE, "of a busy machine")
        return errors

    def test_boots_without_a_date_and_kills_between_lose_nothing_and_pass_nothing(self):
        site = self.started()
        self.boot(site, "0000-a", START_MS + 1000 * HOUR_MS)  # never
        self.measure(site, 40)
        site.dustd.kill()
        synced_ms = self.site_ms(site) + 3 * HOUR_MS
        self.boot(site, "0000-b", synced_ms)
        self.measure(site, 40)
        site.dustd.kill()
        self.boot(site, "0000-b", synced_ms)
        self.pass_time(site, synced_ms)
        harness.wait_for("rows to come", lambda: (site.status() or {"seq": 0})["seq"] > 20)
        site.dustd.kill()  # while what was held is being dated, perhaps
        self.boot(site, "0000-b", synced_ms)
        self.settled(site)
        self.assertIn("the program ended, the machine ran on", site.ctl("--lang", "en", "status"))
        self.assertEqual(site.dustd.stop(), 0)
        rows, samples = site.export()
        self.assertTrue(independent.chain_is_whole(rows))
        self.no_wrong_date_left(site)
        undated = [body(r) for r in rows if r["kind"] == "undated"]
        self.assertEqual({u["boot"] for u in undated}, {"0000-a"})
        told = sum(u["points"]["meter/pm10"]["n"] for u in undated if "points" in u)
        self.assertGreater(told, 20)
        stamps = sorted(s["at"] for s in samples if s["point"] == "meter/pm10" and "v" in s)
        self.assertEqual(len(stamps), len(set(stamps)))
        lost = len(self.answers(site)) - told - len(stamps)
        self.assertIn(lost, range(0, 3 * 3 + 1), "kill -9 may cost what commit_every says, and the answer on its way")
        boots = [body(r) for r in rows if r["kind"] == "boot"]
        self.assertEqual([(b["before"], b.get("machine")) for b in boots],
                         [("broke off", "rebooted")] + [("broke off", "ran on")] * 2)
        first_ms = boots[0]["ts"]
        for verdict in (body(r) for r in rows if r["kind"] == "verdict"):
            if verdict["verdict"] == "pass":
                self.assertGreater(verdict["ts"] + verdict["window_s"] * 1000, first_ms)
        print(f"RESULT a boot without a date, 3 kills: {told} readings told without a date, {len(stamps)} dated, {lost} lost")


class Steps(harness.ScenarioTest):
    """The machine's clock: only CLOCK_REALTIME is anything but true, by the preloaded library."""

    CONFIG = sites.HEAD + sites.BUS.replace("200ms", "2s") + """
devices:
  meter: {title: {zh: 一号扬尘仪, en: Dust meter 1}, bus: bus1, profile: nova-sds069, unit_id: 1, period: 500ms}
clock: {require_sync: false}
"""

    def started(self, config, offset_s):
        site = self.site(SIM, config, rate=1, broker=False)
        self.clock = os.path.join(site.dir, "clock")
        site.start_sim()
        self.set_clock(offset_s)
        self.start(site)
        return site

    def set_clock(self, offset_s):
        with open(self.clock + ".new", "w") as f:
            f.write(f"{offset_s:+d}\n")
        os.rename(self.clock + ".new", self.clock)

    def start(self, site):
        site.dustd = harness.Process([harness.program("dustd"), "-c", site.config_file, "--data",
                                      os.path.join(harness.SOURCE, "config")], os.path.join(site.dir, "dustd.log"),
                                     {"LD_PRELOAD": harness.program("tests/realtime_preload.so"),
                                      "DUST_REALTIME": self.clock, "ASAN_OPTIONS": "verify_asan_link_order=0"})
        harness.wait_for("dustd to answer", lambda: site.status() or not site.dustd.running())

    def answers(self, site):
        """When each answer was whole: true time, from the monotonic clock."""
        offset_us = time.time_ns() // 1000 - time.monotonic_ns() // 1000
        return [(p["wire_us"] + offset_us) / 1000 for p in site.sim_polls() if p["event"] == "poll" and p["outcome"] == "answer"]

    def readings(self, site):
        _, samples = site.export()
        return [s for s in samples if s["point"] == "meter/pm10" and s["regs"]]

    def test_steps_of_the_clock_drop_and_double_nothing(self):
        site = self.started(self.CONFIG, 0)
        harness.wait_for("readings", lambda: len(self.answers(site)) > 3)
        offsets, steps = [(0, 0)], [3600, 0, -3600, 0, -86400, 0, -1, 0, 1, 0] * (10 if harness.STORM else 1)
        for offset_s in steps:
            seen = len(self.answers(site))
            self.set_clock(offset_s)
            offsets.append((time.time() * 1000, offset_s * 1000))
            harness.wait_for("readings after the step", lambda: len(self.answers(site)) > seen + 1)
        self.assertEqual(site.dustd.stop(), 0)
        rows, _ = site.export("--rows")
        self.assertTrue(independent.chain_is_whole(rows))
        stamps = [s["at"] for s in self.readings(site)]
        expected = [a + [ms for at, ms in offsets if at <= a][-1] for a in self.answers(site)]
        self.assertEqual(len(stamps), len(expected), "a reading was lost or doubled")
        for at in expected:
            near = min(stamps, key=lambda s: abs(s - at))
            if abs(near - at) < 1000:
                stamps.remove(near)
        self.assertLessEqual(len(stamps), len(steps), "but for those read in the moment of the step")
        told = [body(r) for r in rows if r["kind"] == "clock"]
        self.assertEqual(len(told), len(steps))
        by_seq = {r["seq"]: r for r in rows}
        again = [(r, by_seq[body(r)["again"]]) for r in rows if "again" in body(r)]
        self.assertTrue(again)
        for later, earlier in again:
            self.assertLess(earlier["seq"], later["seq"])
            self.assertEqual((earlier["kind"], earlier["at"]), (later["kind"], later["at"]))
        self.assertEqual(site.ctl("--db", site.database(), "verify", check=False).count("DAMAGED"), 0)
        print(f"RESULT {len(steps)} steps: {len(expected)} readings, 0 lost, 0 doubled, {len(again)} windows name an earlier one")

    def test_tls_is_back_soon_after_the_clock_of_1970_is_set_right(self):
        site = self.site(SIM, self.CONFIG, rate=1, broker=False)
        site.broker = harness.Broker(site.dir, harness.make_certificates(site.dir))
        site.config_file = site.write("dustd.yaml", self.CONFIG + sites.BROKER.replace(
            "port: {port}", "port: {port}, ca_file: {dir}/ca.crt"))
        self.clock = os.path.join(site.dir, "clock")
        site.start_sim()
        self.set_clock(10 - int(time.time()))
        self.start(site)
        harness.wait_for("the handshake to fail for the date's sake", lambda: "not yet valid" in site.dustd.text())
        wait_s = 60 if harness.STORM else 6
        until = time.monotonic() + wait_s
        harness.wait_for("the back-off to grow", lambda: time.monotonic() > until, wait_s + 5)
        self.assertFalse(site.status()["dated"])
        self.assertEqual(site.status()["seq"], 0)
        set_at = time.monotonic()
        self.set_clock(0)
        harness.wait_for("the broker to be connected", lambda: site.status()["mqtt"][0]["connected"], 90)
        took_s = time.monotonic() - set_at
        harness.wait_for("all to be dated", lambda: site.status()["dated"] and site.status()["held"] == 0)
        self.assertEqual(site.dustd.stop(), 0)
        stamps, answers = sorted(s["at"] for s in self.readings(site)), self.answers(site)
        # the last may be on its way when it is told to stop
        self.assertIn(len(answers) - len(stamps), (0, 1), "a reading was lost or doubled")
        worst_ms = max(abs(a - b) for a, b in zip(stamps, answers))
        self.assertLess(worst_ms, 1000 + MOST_MS)
        print(f"RESULT TLS after {wait_s} s at 1970: connected {took_s:.1f} s after the clock was right; {len(stamps)} readings, "
              f"stamps off by at most {worst_ms:.0f} ms")


if __name__ == "__main__":
    harness.main()
