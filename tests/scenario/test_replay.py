"""Recorded days, replayed in step: what dustd exports is what the wire carried, its means are an independent program's,
and its breaches are exactly the computed ones."""
import csv
import gzip
import json
import os
import sys
import unittest

import harness
import independent
import sites

DATA = os.path.join(harness.SHARED, "data")
RATE = 60


class Replay(harness.ScenarioTest):
    def started(self, sim, config, start, rate):
        site = self.site(sim, config, rate=rate, start=start, broker=False)
        site.start_sim()
        site.start_dustd()
        return site

    def aligned(self, sim, config, first_ms, rate, listens_s):
        """Started so that the first question falls into the minute `first_ms`: dustd listens for one time-out before, which
        is a minute of site time or two. A machine that was too slow gets another try."""
        for _ in range(5):
            site = self.started(sim, config, independent.stamp(first_ms - 30_000 - int(listens_s * 1000 * rate)), rate)
            asked = lambda: next((p["ts"] for p in json.loads(site.ctl("--json", "devices"))[0]["points"] if "ts" in p), 0)
            if harness.wait_for("the first reading", asked) // 60_000 == first_ms // 60_000:
                return site
            site.close()
        self.fail("this machine is too slow to start dustd within a minute of site time")

    def ended(self, site):
        harness.wait_for("the recording to end", lambda: "replay_ended" in site.sim_log_tail(), patience=2400)
        self.assertEqual(site.dustd.stop(), 0)
        site.sim.stop()
        rows, samples = site.export()
        self.assertTrue(independent.chain_is_whole(rows))
        return rows, samples

    def equal_to_the_wire(self, site, samples, point, address, hold=1):
        """One sample a poll, in order, register for register; a damaged line is one missing sample."""
        logged = [p for p in site.sim_polls() if p["event"] == "poll"]
        polls = [p for p in logged if p["line"]]
        mine = [s for s in samples if s["point"] == point]
        good = [p for p in polls if not p["damaged"]]
        at = lambda p: p["registers"][address - p["address"]:address - p["address"] + 2]
        self.assertEqual([s["regs"] for s in mine if s["regs"]], [at(p) for p in good])
        missing = sum(not s["regs"] for s in mine)
        # a unit whose recording has ended is silent
        self.assertLessEqual(missing, len(logged) - len(good), "a damaged line is one missing sample")
        lines = [p["line"] for p in polls]
        steps = {b - a for a, b in zip(lines, lines[1:])}
        self.assertLessEqual(steps, {1} if hold == 1 else {0, 1}, "each poll took the next line")
        self.assertEqual(max(map(lines.count, (lines[0], lines[-1]))), hold)
        print(f"RESULT {point}: {len(good)} samples equal to the wire, {len(polls) - len(good)} damaged lines")
        return len(polls) - len(good)

    def breaches_agree(self, rows, limit_id, length_ms):
        """dustd's breaches, which must be exactly those that its minute rows make."""
        told = independent.told_breaches(rows, limit_id)
        self.assertEqual(told, independent.breaches(rows, "meter/pm10", length_ms, 250))
        return told

    def means_agree(self, rows, samples, points):
        computed = independent.minute_means(samples)
        compared = 0
        for row in (r for r in rows if r["kind"] == "minute"):
            for name, told in json.loads(row["body"])["points"].items():
                if name not in points or not told["n"]:
                    continue
                mean, n = computed[name, row["at"]]
                self.assertEqual(told["n"], n)
                self.assertAlmostEqual(told["mean"], mean, delta=0.5e-4 + 1e-9)
                compared += 1
        self.assertGreater(compared, 5)
        print(f"RESULT {compared} minute means equal")

    def guangdong(self, day, lines, start, period_ms):
        site = self.started(sites.guangdong_sim(os.path.join(DATA, f"guangdong-raw-2s-{day}.txt.gz"), *lines),
                            sites.guangdong(period_ms), start, RATE)
        rows, samples = self.ended(site)
        damaged = self.equal_to_the_wire(site, samples, "meter/pm10", 0x14)
        self.means_agree(rows, samples, ["meter/pm10", "meter/pm25"])
        return self.breaches_agree(rows, "test-15min/pm10-15min", 15 * independent.MINUTE_MS), damaged

    def test_the_day_that_reaches_the_limit_gives_its_two_breaches(self):
        lines = ("", "") if harness.STORM else ("2021-01-17T17:30", "2021-01-17T18:16")
        start = "2021-01-17T00:00:00+08:00" if harness.STORM else "2021-01-17T17:30:00+08:00"
        told, _ = self.guangdong("2021-01-17", lines, start, 2767)
        self.assertEqual(len(told), 2, told)

    def test_the_damaged_day_gives_no_breach(self):
        lines = ("", "") if harness.STORM else ("2020-06-07T02:00", "2020-06-07T02:16")
        start = "2020-06-07T00:00:00+08:00" if harness.STORM else "2020-06-07T02:00:00+08:00"
        told, damaged = self.guangdong("2020-06-07", lines, start, 3062)
        self.assertEqual(told, [])
        if harness.STORM:
            self.assertGreater(damaged, 100)

    def gucheng(self, first, last):
        """Hours [first, last) of the recording, each held for 60 polls a minute apart; the CSV's own breaches."""
        file = os.path.join(DATA, "beijing-gucheng-hourly-2013-2017.csv.gz")
        with gzip.open(file, "rt") as f:
            hours = [r for r in csv.DictReader(f) if first <= r["time"] < last]
        computed = [independent.stamp_ms(r["time"]) for r in hours if r["pm10"] and float(r["pm10"]) >= 250]
        timeout_s, rate = (1, RATE) if harness.STORM else (0.2, 120)
        site = self.aligned(sites.gucheng_sim(file, first, last), sites.gucheng(f"{int(timeout_s * 1000)}ms"),
                            independent.stamp_ms(first), rate, timeout_s + 0.1)
        rows, samples = self.ended(site)
        self.equal_to_the_wire(site, samples, "meter/pm10", 0x14, hold=60)
        self.means_agree(rows, samples, ["meter/pm10"])
        told = self.breaches_agree(rows, "shanxi-taiyuan/pm10-hour", independent.HOUR_MS)
        self.assertEqual(told, computed)
        print(f"RESULT {len(hours)} hours, {len(told)} breaches")
        return len(told)

    def test_the_taiyuan_rule_finds_the_breaches_of_gucheng(self):
        last = "2013-03-06T01:00+08:00" if harness.STORM else "2013-03-05T22:00+08:00"
        self.assertEqual(self.gucheng("2013-03-05T19:00+08:00", last), 4 if harness.STORM else 2)

    @unittest.skipUnless(harness.STORM, "the rest of the first ten breaches is the storm's")
    def test_the_taiyuan_rule_finds_the_first_breach_of_gucheng(self):
        self.assertEqual(self.gucheng("2013-03-03T17:00+08:00", "2013-03-03T22:00+08:00"), 1)

    @unittest.skipUnless(harness.STORM, "the rest of the first ten breaches is the storm's")
    def test_the_taiyuan_rule_finds_the_sixth_to_tenth_breach_of_gucheng(self):
        self.assertEqual(self.gucheng("2013-03-06T07:00+08:00", "2013-03-06T16:00+08:00"), 5)


if __name__ == "__main__":
    if not os.path.isdir(DATA):
        print("skipped: the recorded data are not beside the checkout")
        sys.exit(harness.SKIP)
    harness.main()
