"""A noise meter through the whole daemon: what it writes are levels of the mean energy, before a restart and after it, by
day against one limit and by night against another; and its own export, judged anew, says the same."""
import json
import subprocess
import unittest

import harness
import independent
import independent_judge as judge
import sites
from independent_judge import MINUTE, TT
from replayed import anew, said

SIM = """
buses:
  bus1: {transport: rtu, link: {dir}/bus1, baud: 115200}
units:
  louvre:
    bus: bus1
    profile: rs-byh-louvre
    unit_id: 1
    turnaround: 2ms
    points:
      noise: {constant: 58, noise: 4, bursts: {height: 28, every: 7min, lasts: 30s, from: "20:00", to: "23:59"}}
"""
CONFIG = sites.HEAD + sites.BUS + """
devices:
  louvre: {bus: bus1, profile: rs-byh-louvre, unit_id: 1, period: 10s}
limits:
  gb12523-2025: {person: site-manager}
"""
DAY, NIGHT = "gb12523-2025/leq-day", "gb12523-2025/leq-night"


class Noise(harness.ScenarioTest):
    def started(self, start):
        site = self.site(SIM, CONFIG, rate=120, start=start, broker=False, continuous=True)
        site.start_sim()
        site.start_dustd()
        return site

    def verdict_of(self, site, stamp):
        wanted = independent.stamp_ms(stamp)
        harness.wait_for(f"the window of {stamp}", lambda: any(r["at"] == wanted for r in site.export_live("verdict")), patience=240)

    def agrees(self, rows, samples):
        """Each minute with its samples, each verdict with its minutes."""
        minutes = {r["at"]: m for r in rows if r["kind"] == "minute" for m in [json.loads(r["body"])["points"]["louvre/noise"]]}
        levels, compared = {}, 0
        for s in samples:
            if s["point"] == "louvre/noise" and s["q"] == "N":
                levels.setdefault(s["at"] // MINUTE * MINUTE, []).append(round(s["v"] * TT))
        for start, m in minutes.items():
            if m["n"] and m["n"] == len(levels[start]):
                self.assertEqual(round(m["mean"] * TT), judge.level(sum(map(judge.energy, levels[start])), m["n"]))
                self.assertEqual((m["min"] * TT, m["max"] * TT), (min(levels[start]), max(levels[start])))
                compared += m["mean"] * TT - sum(levels[start]) / m["n"] > TT / 10
        self.assertGreater(compared, 20, "minutes whose plain mean is another")
        verdicts = [json.loads(r["body"]) for r in rows if r["kind"] == "verdict"]
        for v in verdicts:
            inside = [m["mean"] for at, m in minutes.items() if v["ts"] <= at < v["ts"] + 20 * MINUTE and m["q"] == "N"]
            self.assertEqual(v["n"], len(inside))
            if inside:
                mean = judge.level(sum(judge.energy(round(m * TT)) for m in inside), len(inside))
                self.assertEqual(round(v["mean"] * TT), mean)
            limit = 55 if v["subject"] == NIGHT else 70
            enough = v["n"] * 4 >= 20 * 3
            self.assertEqual(v["verdict"], "unknown" if not enough else "breach" if v["mean"] > limit else "pass")
            self.assertEqual((v["value"], v["unit"]), (limit, "dB(A)"))
        return verdicts

    def test_a_restart_in_a_window_changes_no_level_and_by_night_another_limit_holds(self):
        site = self.started("2026-03-05T21:19:10+08:00")
        self.verdict_of(site, "2026-03-05T21:40+08:00")
        self.assertEqual(site.dustd.stop(), 0)
        site.start_dustd()
        self.verdict_of(site, "2026-03-05T22:00+08:00")
        self.assertEqual(site.dustd.stop(), 0)
        rows, samples = site.export()
        self.assertTrue(independent.chain_is_whole(rows))
        verdicts = self.agrees(rows, samples)
        judged = {v["ts"]: v["subject"] for v in verdicts}
        self.assertEqual(len(judged), len(verdicts), "each window once")
        night = independent.stamp_ms("2026-03-05T22:00+08:00")
        self.assertEqual(judged, {at: NIGHT if at >= night else DAY for at in judged})
        self.assertEqual(set(judged.values()), {DAY, NIGHT})
        self.assertFalse(any(r["kind"] == "issue" for r in rows), "it only informs")
        report = json.loads(subprocess.run([harness.program("dustctl"), "--db", site.database(), "--json", "report", "weekly",
                                            "--from", "2026-03-02"], capture_output=True, check=True, timeout=60).stdout)
        due = {limit["limit"]: (limit["due"], limit["windows"]) for limit in report["limits"]}
        of, over = list(judged.values()), (report["asof"] - report["from"]) // (20 * MINUTE)
        self.assertEqual(due[DAY], (4 * 16 * 3, of.count(DAY)), "of four days that are over, each of 16 hours")
        self.assertEqual(due[NIGHT], (over - 4 * 16 * 3, of.count(NIGHT)), "and of their nights the rest")

    def test_the_export_of_a_night_says_the_same_when_it_is_judged_anew(self):
        site = self.started("2026-03-05T21:39:10+08:00")
        self.verdict_of(site, "2026-03-05T22:00+08:00")
        lines = site.ctl("export").splitlines()
        self.assertEqual(site.dustd.stop(), 0)
        mine = said(lines)
        self.assertGreaterEqual(len(said(lines, ("verdict",))), 2)
        self.assertEqual(anew(site, lines), mine)
        without_samples = [line for line in lines if '"point":' not in line or '"kind":' in line]
        self.assertEqual(anew(site, without_samples), mine)


if __name__ == "__main__":
    harness.main()
