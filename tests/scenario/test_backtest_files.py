"""dustd --replay: recordings as an installer has them, judged without a device; each verdict computed again independently
(independent_judge.py), and what a daemon wrote judged anew to the same verdicts."""
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest

import harness
import independent_judge as judge
import sites
import test_backtest as recorded
from independent_judge import DAY, HOUR, MINUTE
from replayed import DUSTD, KINDS, SHIPPED, anew, replay, said, words


class Told(recorded.Told):
    """What the rows of --replay --json say, the last word on each window."""

    def __init__(self, lines):
        super().__init__([])
        self.hours = {}
        for line in lines:
            row = json.loads(line)
            getattr(self, "row_" + row["kind"], lambda r: None)(row)

    def row_verdict(self, r):
        self.verdicts.setdefault(r["subject"], {})[r["ts"], r["window_s"] * 1000] = r["verdict"]
        self.hours.setdefault(r["subject"], set()).add(r.get("hours", ""))
        self.corrected += "corrects" in r

    def row_running(self, r):
        self.running.append((r["subject"], r["ts"], r["window_s"] * 1000, r["verdict"]))

    def row_quality(self, r):
        self.quality.append((r["subject"], r["point"].split("/")[1], r["state"], r["from"], r["to"]))

    def row_hour(self, r, length=HOUR):
        for point, m in r["points"].items():
            self.windows[r["ts"], length, point.split("/")[1]] = (m.get("mean"), m["n"], m["q"])

    def row_day(self, r):
        self.row_hour(r, DAY)


class Recorded(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = folder.name

    def path(self, name):
        return os.path.join(self.dir, name)

    def site(self, points, more="", period="60s", limits=True):
        os.makedirs(self.path("devices"), exist_ok=True)
        with open(self.path("devices/record.yaml"), "w", encoding="utf-8") as out:
            out.write(recorded.PROFILE)
            for i, p in enumerate(points):
                out.write(recorded.POINT.format(role=p, unit=recorded.UNITS[p], address=i))
        with open(self.path("site.yaml"), "w", encoding="utf-8") as out:
            out.write(recorded.SITE.replace("PERIOD", period) + (recorded.limit_files(points) if limits else "") + more)
        return self.path("site.yaml")

    def told(self, config, *files):
        result = replay(config, files, "--json")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return Told(result.stdout.splitlines())

    def write_rows(self, rows):
        with open(self.path("inputs.jsonl"), "w", encoding="utf-8") as out:
            out.writelines(json.dumps(r) + "\n" for r in sorted(rows, key=lambda r: r["ts"]))
        return self.path("inputs.jsonl")

    def compare_limits(self, said, points, final, stage_at, level):
        words, windows = set(), 0
        for name, rule in judge.RULES.items():
            if rule.role not in points:
                continue
            wanted = judge.verdicts(name, final, stage_at, level)
            got = said.verdicts.get(name, {})
            wrong = [(k, wanted.get(k), got.get(k)) for k in {**wanted, **got} if wanted.get(k) != got.get(k)]
            self.assertEqual(wrong[:5], [], f"{name}: {len(wrong)} of {len(wanted)} differ")
            words |= set(wanted.values())
            windows += len(wanted)
        return words, windows


class Hours(Recorded):
    """One station, with the other as the county's background, which comes when its hour is over."""

    def judge_station(self, points, name, other, shift, first_day, write):
        steps = recorded.station(name, shift, first_day)
        level = {s.start: recorded.Fraction(s.readings["pm10"].mean, recorded.TT)
                 for s in recorded.station(other, shift, first_day) if s.readings["pm10"]}
        steps = [s._replace(readings={p: s.readings[p] for p in points}) for s in steps]
        stages = recorded.Stages(steps[0].start)
        rows = [{"ts": start + HOUR, "kind": "background", "source": "county", "role": "pm10", "value": float(value),
                 "unit": "ug/m3", "from": start, "to": start + HOUR} for start, value in level.items()]
        rows += [{"ts": steps[0].start, "kind": "stage", "source": "office", "stage": stages.at(t), "from": t}
                 for t in range(stages.start, steps[-1].start, 20 * DAY)]
        said = self.told(self.site(points, recorded.HOURLY), write(steps), self.write_rows(rows))
        found = judge.quality(steps, recorded.HOURLY_SETTINGS)
        found += judge.below_background(steps, "pm10", level, found, 3 * HOUR)
        final = judge.without_flagged(steps, found)
        words, windows = self.compare_limits(said, points, final, stages.at, level)
        self.assertGreater(windows, 5000)
        self.assertTrue(any(judge.RULES[name].days and told for name, told in said.verdicts.items()))  # a year's too
        self.assertLessEqual({"pass", "breach", "unknown"}, words)
        recorded.Hours.compare_quality(self, said, found, steps)
        self.assertGreater(said.corrected, 10)

    def original(self, name, first_day):
        """The file as it is, but for its days in the quick test."""
        def write(_):
            source = os.path.join(recorded.DATA, f"beijing-{name}-hourly-2013-2017.csv.gz")
            with gzip.open(source, "rt") as file:
                header, *lines = file
            with gzip.open(self.path("record.csv.gz"), "wt") as out:
                out.writelines([header] + lines[first_day * 24:(first_day + recorded.DAYS) * 24])
            return self.path("record.csv.gz")
        return write

    def with_tsp(self, steps):
        """A CSV of our own, plain, times in ms."""
        points = list(steps[0].readings)
        with open(self.path("record.csv"), "w", encoding="utf-8") as out:
            out.write("timestamp;" + ";".join(f"d/{p}" for p in points) + "\n")
            for s in steps:
                values = (s.readings[p] for p in points)
                out.write(f"{s.start};" + ";".join("NA" if v is None else f"{v.mean / recorded.TT:.10g}" for v in values) + "\n")
        return self.path("record.csv")

    def test_the_file_of_gucheng_as_it_was_published(self):
        first = 0 if harness.STORM else 300
        self.judge_station(["pm25", "pm10", "wind_speed"], "gucheng", "dingling", 0, first, self.original("gucheng", first))

    def test_a_csv_of_our_own_with_tsp_through_the_change_of_gb3095(self):
        first = 0 if harness.STORM else 300
        self.judge_station(["pm25", "pm10", "tsp", "wind_speed"], "dingling", "gucheng", 17 * 365 + 4, first, self.with_tsp)


class Samples(Recorded):
    def judge_day(self, day):
        points = ["pm25", "pm10", "wind_speed"]
        record = recorded.guangdong(day)
        stage = record[0][0] // DAY * DAY
        inputs = self.write_rows([{"ts": stage, "kind": "stage", "source": "office", "stage": "earthwork", "from": stage}])
        said = self.told(self.site(points, period="3s"), inputs,
                         os.path.join(recorded.DATA, f"guangdong-raw-2s-{day}.txt.gz"))
        minutes = {}
        for p in points:
            samples = [(at, v[p]) for at, v in record]
            if p != "wind_speed":
                floats = judge.without_spikes([(at, None if x is None else x / recorded.TT) for at, x in samples])
                samples = [(at, None if v is None else int(v * recorded.TT), counts) for at, v, counts in floats]
            else:
                samples = [(at, v, v is not None) for at, v in samples]
            minutes[p] = judge.minutes_of(samples, 20)
        first, end = record[0][0] // MINUTE * MINUTE, (record[-1][0] // MINUTE + 1) * MINUTE
        steps = [judge.Step(t, 1, {p: minutes[p].get(t) for p in points}) for t in range(first, end, MINUTE)]
        found = [r for r in judge.quality(steps, recorded.Samples.SETTINGS) if r.check != "offline"]
        self.assertEqual(sorted((c, p, s) for c, p, state, s, _ in said.quality if state == "begin" and c not in ("offline", "spike")),
                         sorted((r.check, r.point, r.start) for r in found))
        final = judge.without_flagged(steps, found)
        return self.compare_limits(said, points, final, lambda t: "earthwork", {})[0]

    def test_the_log_of_the_day_of_many_damaged_lines(self):
        self.assertIn("unknown", self.judge_day("2020-06-07"))

    def test_the_log_of_the_day_that_reaches_997(self):
        self.assertLessEqual({"pass", "breach"}, self.judge_day("2021-01-17"))


class Noise(Recorded):
    def test_a_csv_of_levels_is_judged_by_their_energy_and_by_the_hour(self):
        record = recorded.noise_made(2, random.Random(harness.SEED), silent=0)
        with open(self.path("noise.csv"), "w", encoding="utf-8") as out:
            out.write("timestamp,噪声 (dB(A))\n")
            out.writelines(f"{at},{'NA' if v is None else f'{v / recorded.TT:.10g}'}\n" for at, v in record)
        minutes = judge.minutes_of([(at, v, v is not None) for at, v in record], 30, levels=True)
        steps = [judge.Step(t, 1, {"noise": minutes.get(t)}) for t in range(record[0][0], record[-1][0], MINUTE)]
        said = self.told(self.site(["noise"], period="2s"), self.path("noise.csv"))
        words, windows = self.compare_limits(said, ["noise"], steps, None, {})
        self.assertEqual(windows, 2 * 72)
        self.assertLessEqual({"pass", "breach"}, words)
        hours = judge.window_means(steps, "noise", 60)
        for start, (total, n) in hours.items():
            mean, valid, _ = said.windows[start, HOUR, "noise"]
            self.assertEqual((mean, valid), (judge.level(total, n) / recorded.TT, n))
        self.assertEqual(len(hours), 48)
        self.assertEqual(said.hours, {"gb12523-2025/leq-day": {"06:00-22:00"}, "gb12523-2025/leq-night": {"22:00-06:00"}})


class Stuck(Recorded):
    def test_the_file_of_the_sensor_that_stuck_is_flagged_in_time_and_no_minute_of_it_is_compliance(self):
        independent = recorded.Stuck()
        begin = independent.FROM // MINUTE * MINUTE
        said = self.told(self.site(["pm25", "pm10"]),
                         os.path.join(recorded.DATA, "aberdeen-sds011-15092-zeroflat-2018-12.csv.gz"))
        found = [q for q in said.quality if q[0] == "zero" and q[2] == "begin" and q[3] == begin]
        self.assertEqual(sorted(q[1] for q in found), ["pm10", "pm25"])
        self.assertEqual({q[4] - q[3] for q in found}, {10 * MINUTE})
        minutes = list(independent.readings())
        stuck = {t for t, row in minutes
                 if float(row["pm10"]) == 0 and begin <= t < begin + (independent.MINUTES + 5) * MINUTE}
        independent.compare_windows(said, {t for t, _ in minutes} - stuck, stuck)


class Installer(Recorded):
    """What an installer sees, and what he does not find afterwards."""

    def month(self, days=3, level=lambda i: 100 + i % 7):
        with open(self.path("month.csv"), "w", encoding="utf-8") as out:
            out.write("time,PM10 (ug/m3)\n")
            for i in range(days * 1440):
                out.write(f"{1772380800 + i * 60},{level(i)}\n")
        return self.path("month.csv")

    def run_text(self, files, *more, language="en"):
        config = self.site(["pm10"])
        with open(config, "a", encoding="utf-8") as out:
            out.write(f"language: {language}\n")
        return replay(config, files, *more)

    def test_says_what_would_have_been_found_in_the_language_of_the_site(self):
        file = self.month(level=lambda i: 300 + i % 7 if 600 <= i < 660 else 100 + i % 7)
        english, chinese = (self.run_text([file], language=word).stdout for word in ("en", "zh"))
        self.assertIn("2026-03-02 10:00  breach  shanxi-taiyuan/pm10-hour  d/pm10  60 min 303 ≥ 250 μg/m³", english)
        self.assertIn("limit shanxi-taiyuan/pm10-hour: pass 71, breach 1, unknown 0", english)
        self.assertIn("point d/pm10: 4320 of 4320 minutes valid (100 %)", english)
        self.assertIn("2026-03-02 10:00  超标  shanxi-taiyuan/pm10-hour  d/pm10  60 分钟 303 ≥ 250 μg/m³", chinese)
        self.assertIn("限值 shanxi-taiyuan/pm10-hour: 达标 71，超标 1，不可判定 0", chinese)
        self.assertRegex(english, r"issue  LQ-2026-\d{4}  d/pm10: ")

    def test_minutes_that_are_missing_are_never_compliance(self):
        file = self.month()
        with open(file, encoding="utf-8") as lines:
            kept = [line for i, line in enumerate(lines) if i == 0 or not 600 <= i - 1 < 680]
        with open(file, "w", encoding="utf-8") as out:
            out.writelines(kept)
        out = self.run_text([file]).stdout
        self.assertIn("4240 minutes, and 1 holes of 80 minutes in all", out)
        self.assertIn("limit shanxi-taiyuan/pm10-hour: pass 70, breach 0, unknown 1;", out)

    def test_two_months_may_be_given_in_any_order(self):
        whole = self.month()
        with open(whole, encoding="utf-8") as file:
            header, *lines = file
        for name, part in (("first", lines[:2000]), ("second", lines[2000:])):
            with open(self.path(name), "w", encoding="utf-8") as out:
                out.writelines([header] + part)
        end = lambda text: text[text.index("back-test from"):]
        self.assertEqual(end(self.run_text([self.path("second"), self.path("first")]).stdout), end(self.run_text([whole]).stdout))

    def test_a_file_that_is_wrong_ends_with_1_and_one_line(self):
        with open(self.path("bad.csv"), "w", encoding="utf-8") as out:
            out.write("time,PM10 (ug/m3)\n2026-03-02 00:00,1\n2026-03-02 00:01,x\n")
        result = self.run_text([self.path("bad.csv")])
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"^\S+/bad\.csv:3:18: found \"x\"; allowed is a number, or nothing, NA, .*\n$")

    def test_a_wish_that_no_file_fulfils_ends_with_2(self):
        result = self.run_text([self.month()], "--as", "TSP=d/pm10")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--as TSP=d/pm10: no file has a column \"TSP\"", result.stderr)
        self.assertEqual(replay(self.site(["pm10"]), [], "--once", self.month()).returncode, 2)

    def test_leaves_no_file_and_opens_no_socket(self):
        file = self.month(days=90)
        config = self.site(["pm10"], f"store: {{dir: {self.dir}/state}}\ncontrol_socket: {self.dir}/run/control.sock\n"
                           "mqtt: {local: {host: 127.0.0.1, port: 1}}\n")
        listing = lambda: sorted((f, os.path.getsize(os.path.join(f, n))) for f, _, names in os.walk(self.dir) for n in names)
        before, looks = listing(), 0
        with subprocess.Popen([DUSTD, "-c", config, "--data", SHIPPED, "--replay", file], cwd=self.dir,
                              stdout=subprocess.DEVNULL) as child:
            while child.poll() is None:
                try:
                    fds = [os.readlink(f"/proc/{child.pid}/fd/{n}") for n in os.listdir(f"/proc/{child.pid}/fd")]
                except OSError:
                    continue  # it has just ended, or closed one
                looks += 1
                self.assertEqual([f for f in fds if f.startswith("socket:") or "ttyS" in f], [])
        self.assertEqual(child.returncode, 0)
        self.assertGreater(looks, 0)
        self.assertEqual(listing(), before)


class OurExport(harness.ScenarioTest):
    """What a daemon found, found again from its export."""

    def test_an_export_gives_the_verdicts_that_the_daemon_gave(self):
        config = sites.BREACH.split("\nmqtt:")[0] + "  shaanxi-db61-1078-2017: {person: site-manager}\n"
        site = self.site(sites.BREACH_SIM, config, rate=120, start="2026-03-05T09:50:30+08:00", broker=False)
        site.start_sim()
        site.start_dustd()
        site.ctl("--as", "office", "stage", "earthwork")
        breach = lambda: [r for r in site.export_live("verdict") if json.loads(r["body"])["verdict"] == "breach"]
        harness.wait_for("a breach", breach, patience=240)
        export = site.ctl("export")
        self.assertEqual(site.dustd.stop(), 0)
        lines = export.splitlines()
        mine = said(lines)
        self.assertGreater(len(said(lines, ("verdict",))), 3)
        without_samples = [line for line in lines if '"point":' not in line or '"kind":' in line]
        self.assertLess(len(without_samples), len(lines))
        for what, some in (("samples", lines), ("minutes alone", without_samples)):
            with self.subTest(what):
                self.assertEqual(anew(site, some), mine)


if __name__ == "__main__":
    if not os.path.isdir(recorded.DATA):
        print("skipped: the recorded data are not beside the checkout")
        for case in (Hours, Samples, Stuck):
            case.setUp = lambda self: self.skipTest("no recorded data")
    harness.main()
