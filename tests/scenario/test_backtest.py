"""Recorded data through the judge, window by window against an independent computation (independent_judge.py).

Nothing public records TSP beside PM10, so the TSP rules judge twice the recorded PM10. The stages of the work are this
test's. The recorded years are judged at later dates too, so that every standard is in force."""
import csv
import gzip
import os
import random
import subprocess
import tempfile
import unittest
from fractions import Fraction

import harness
import independent_judge as judge
from independent_judge import DAY, HOUR, MINUTE, TT, Reading, Step

DATA = os.path.join(harness.SHARED, "data")
of_recorded_data = unittest.skipUnless(os.path.isdir(DATA), "the recorded data are not beside the checkout")
DAYS = 1461 if harness.STORM else 100  # of the four years

PROFILE = """title: {zh: 记录, en: Record}
vendor: none
source: recorded data, replayed
points:
"""
POINT = "  {role}: {{title: {{zh: {role}, en: {role}}}, unit: {unit}, role: {role}, table: holding, address: {address}, type: u16}}\n"
SITE = """site: {name: s, title: {zh: 示例工地, en: Example Site}}
buses: {line: {path: /dev/ttyS0}}
devices: {d: {bus: line, profile: record, unit_id: 1, period: PERIOD}}
people: {boss: {title: 项目经理, roles: [site]}, office: {title: 办公室, roles: [office]}}
"""
UNITS = {"pm25": "ug/m3", "pm10": "ug/m3", "tsp": "ug/m3", "wind_speed": "m/s", "noise": "dB(A)"}


def limit_files(points):
    names = {name.split("/")[0] for name, rule in judge.RULES.items() if rule.role in points}
    return "limits:\n" + "".join(f"  {name}: {{person: boss}}\n" for name in sorted(names))


class Told:
    """What the judge said, the last word on each window."""

    def __init__(self, lines):
        self.verdicts, self.quality, self.running, self.windows, self.minutes = {}, [], [], {}, {}
        self.numbers = {}
        self.corrected = 0
        for line in lines:
            kind, *f = line.rstrip("\n").split("\t")
            getattr(self, "take_" + kind)(f)

    def take_verdict(self, f):
        self.verdicts.setdefault(f[0], {})[int(f[1]), int(f[2])] = f[4]
        self.numbers.setdefault(f[0], {})[int(f[1]), int(f[2])] = (int(f[5]), f[7])
        self.corrected += f[10] == "1"

    def take_running(self, f):
        self.running.append((f[0], int(f[1]), int(f[2]), f[4]))

    def take_quality(self, f):
        self.quality.append((f[0], f[1].split("/")[1], f[2], int(f[3]), int(f[4])))

    def take_window(self, f):
        self.windows[int(f[0]), int(f[1]), f[2].split("/")[1]] = (f[3], int(f[4]), f[6])

    def take_minute(self, f):
        self.minutes[int(f[0]), f[1].split("/")[1]] = (f[2], int(f[3]), int(f[4]), f[5])


def told(points, lines, more="", period="60s", limits=True, own=None):
    """Feeds a site with these points; `lines` go to the judge's stdin. `own`: text of limits/own.yaml."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("devices", "limits"):
            os.mkdir(os.path.join(folder, name))
        if own:
            with open(os.path.join(folder, "limits", "own.yaml"), "w", encoding="utf-8") as out:
                out.write(own)
        with open(os.path.join(folder, "devices", "record.yaml"), "w", encoding="utf-8") as out:
            out.write(PROFILE + "".join(POINT.format(role=p, unit=UNITS[p], address=i) for i, p in enumerate(points)))
        config = os.path.join(folder, "site.yaml")
        with open(config, "w", encoding="utf-8") as out:
            out.write(SITE.replace("PERIOD", period) + (limit_files(points) if limits else "") + more)
        names = "points " + " ".join(f"d/{p}" for p in points) + "\n"
        result = subprocess.run([harness.program("tests/judge_fixture"), config, folder, os.path.join(harness.SOURCE, "config")],
                                input=names + "".join(lines), capture_output=True, text=True, timeout=harness.HANGS,
                                check=False)
    if result.returncode:
        raise AssertionError(result.stderr)
    return Told(result.stdout.splitlines())


def number(text):
    return int(Fraction(text) * TT) if text else None


def reading(tenths):
    return None if tenths is None else Reading(tenths, tenths, tenths, True)


def shown(value):
    return "-" if value is None else f"{value.mean / TT:.10g}"


# --- four years of hours ---

HOURLY = """quality:
  offline_after: 1h
  flatline_after: 20h
  flatline_low_after: 20h
  plateau_after: 3h
"""
HOURLY_SETTINGS = judge.Settings(hole=10 * MINUTE, offline=HOUR, zero=10 * MINUTE, flat=20 * HOUR, flat_low=20,
                                 flat_low_after=20 * HOUR, inversion=3 * HOUR, copy=30 * MINUTE, plateau=3 * HOUR)
STAGES = ("demolition", "earthwork", "foundation", "structure", "finishing", "suspended")


def station(name, shift_days, first_day=0, days=DAYS):
    """Steps of an hour, moved by whole days."""
    with gzip.open(os.path.join(DATA, f"beijing-{name}-hourly-2013-2017.csv.gz"), "rt") as file:
        rows = list(csv.DictReader(file))[first_day * 24:(first_day + days) * 24]
    steps = []
    for row in rows:
        start = int(judge.datetime.fromisoformat(row["time"]).timestamp() * 1000) + shift_days * DAY
        pm10 = number(row["pm10"])
        values = {"pm25": number(row["pm25"]), "pm10": pm10, "tsp": None if pm10 is None else 2 * pm10,
                  "wind_speed": number(row["ws_ms"])}
        steps.append(Step(start, 60, {p: reading(v) for p, v in values.items()}))
    return steps


class Stages:
    """Nobody says the stage for ten days, then it changes every 20 days, in the middle of a day."""

    def __init__(self, start):
        self.start = start + 10 * DAY + 12 * HOUR

    def at(self, time):
        return STAGES[(time - self.start) // (20 * DAY) % 6] if time >= self.start else None

    def lines(self, end):
        return [f"stage {t} {self.at(t)}\n" for t in range(self.start, end, 20 * DAY)]


@of_recorded_data
class Hours(unittest.TestCase):
    """One station judged, with the other as the county's background, which comes an hour late."""

    def judge_station(self, name, other, shift, first_day=0):
        steps = station(name, shift, first_day)
        level = {s.start: Fraction(s.readings["pm10"].mean, TT) for s in station(other, shift, first_day)
                 if s.readings["pm10"]}
        stages, points = Stages(steps[0].start), list(steps[0].readings)
        lines = stages.lines(steps[-1].start)
        for step in steps:
            lines.append(f"m {step.start} 60 " + " ".join(shown(step.readings[p]) for p in points) + "\n")
            if step.start in level:
                lines.append(f"background pm10 {step.start} {HOUR} {float(level[step.start])}\n")
        lines.append(f"end {steps[-1].start + 5 * HOUR}\n")
        said = told(points, lines, HOURLY)
        found = judge.quality(steps, HOURLY_SETTINGS)
        found += judge.below_background(steps, "pm10", level, found, 3 * HOUR)
        final = judge.without_flagged(steps, found)
        self.compare_limits(said, final, stages.at, level)
        self.compare_quality(said, found, steps)
        self.compare_running(said, steps, found)
        return said, found

    def compare_limits(self, said, final, stage_at, level):
        words, windows = set(), 0
        for name, rule in judge.RULES.items():
            if rule.role not in final[0].readings:
                continue
            wanted = judge.verdicts(name, final, stage_at, level)
            words |= set(wanted.values())
            windows += len(wanted)
            self.assertEqual(len(wanted), len(said.verdicts.get(name, {})), name)
            wrong = [(k, v, said.verdicts[name].get(k)) for k, v in wanted.items() if said.verdicts[name].get(k) != v]
            self.assertEqual(wrong[:5], [], f"{name}: {len(wrong)} of {len(wanted)} differ")
        self.assertGreater(windows, 5000)
        self.assertLessEqual({"pass", "breach", "unknown"}, words)

    def compare_quality(self, said, found, steps):
        end = steps[-1].start + 60 * MINUTE
        began = sorted((c, p, start) for c, p, state, start, _ in said.quality if state == "begin")
        self.assertEqual(began, sorted((r.check, r.point, r.start) for r in found))
        over = {(c, p, start): to for c, p, state, start, to in said.quality if state == "end"}
        for r in found:
            if r.end + HOUR < end and r.check != "background":
                self.assertEqual(over.get((r.check, r.point, r.start)), r.end, r)

    def compare_running(self, said, steps, found):
        """The hour of Taiyuan's rule: certain in minute k < 60 when k of it reach the limit; and never passed then."""
        name = "shanxi-taiyuan/pm10-hour"
        flagged = [r for r in found if r.point == "pm10" and r.check in judge.FLAGS]
        clean = {s.start for s in steps if not any(r.start <= s.start < r.end for r in flagged)}
        lost = {start for limit, start, _, word in said.running if limit == name and word == "breach"}
        warned = {start for limit, start, _, word in said.running if limit == name and word == "warning"}
        means = {s.start: s.readings["pm10"].mean for s in steps if s.readings["pm10"]}
        self.assertEqual(lost & clean, {t for t in clean if means.get(t, 0) * 59 >= 250 * TT * 60})
        warns = {t for t in clean for k in range(1, 60)
                 if 48 * 250 * TT <= means.get(t, 0) * k < 60 * 250 * TT}
        self.assertEqual(warned & clean, warns)
        for limit, start, length, word in said.running:
            if word == "breach":
                self.assertNotEqual(said.verdicts[limit].get((start, length)), "pass")
        self.assertGreater(len(lost), 10)

    def test_gucheng_from_2025_through_the_change_of_gb3095(self):
        said, found = self.judge_station("gucheng", "dingling", 12 * 365 + 3, 0 if harness.STORM else 330)
        self.assertGreater(said.corrected, 10)
        for check in ("offline", "inversion") + (("flatline", "background") if harness.STORM else ()):
            self.assertTrue(any(r.check == check for r in found), check)

    def test_dingling_from_2030_through_the_second_change(self):
        said, found = self.judge_station("dingling", "gucheng", 17 * 365 + 4, 0 if harness.STORM else 300)
        self.assertTrue(any(r.check == "background" for r in found))
        self.assertGreater(said.corrected, 10)

    def test_gucheng_when_it_was_recorded(self):
        said, _ = self.judge_station("gucheng", "dingling", 0, 1461 - DAYS)
        self.assertNotIn("hebei-db13-2934-2019/pm10-difference", said.verdicts)  # not in force yet

    def test_the_flat_days_that_the_record_is_known_for_are_found_and_no_others(self):
        for name, hours in (("gucheng", 23), ("dingling", 25)):
            steps = station(name, 0, 0, 1461)
            points = ["pm25", "pm10"]
            lines = [f"m {s.start} 60 " + " ".join(shown(s.readings[p]) for p in points) + "\n" for s in steps]
            flat = [(p, start, to) for c, p, state, start, to in told(points, lines, HOURLY, limits=False).quality
                    if c == "flatline" and state == "end"]
            self.assertEqual([(p, (to - start) // HOUR) for p, start, to in flat], [("pm10", hours)])


# As the standard asks, but for the days of a month: the record has a hole in most years.
OWN_YEARS = {"own/" + role: judge.Rule(role=role, minutes=0, value=value, step=Fraction(1, 10), hours=18, days=(274, 0, 0))
             for role, value in (("pm25", 62), ("pm10", 112), ("tsp", 200))}
OWN = "title: {zh: 年均值, en: Means of a year}\nstandard: none\nsource: a test\nrules:\n" + "".join(
    f"  {r.role}: {{title: {{zh: 年, en: year}}, role: {r.role}, window: 1y, hours_needed: 18, days_needed: 274, compare: over, "
    f"value: {r.value} ug/m3, round: 0.1 ug/m3, informs_only: true}}\n" for r in OWN_YEARS.values())


@of_recorded_data
class Years(unittest.TestCase):
    """Calendar years of both stations: all four years of hours, in the quick test too."""

    def judge_years(self, name, shift):
        points = ["pm25", "pm10", "tsp"]
        steps = [s._replace(readings={p: s.readings[p] for p in points}) for s in station(name, shift, 0, 1461)]
        lines = [f"m {s.start} 60 " + " ".join(shown(s.readings[p]) for p in points) + "\n" for s in steps]
        limits = HOURLY + "limits: {gb3095: {person: boss}, own: {person: boss}}\n"
        said = told(points, lines, limits, limits=False, own=OWN)
        final = judge.without_flagged(steps, judge.quality(steps, HOURLY_SETTINGS))
        words, years = [], {**OWN_YEARS, **{k: r for k, r in judge.RULES.items() if r.days}}
        for limit, rule in years.items():
            wanted = judge.year_numbers(rule, final)
            got = {k: (n, None if number == "nan" else round(Fraction(number) * TT))
                   for k, (n, number) in said.numbers.get(limit, {}).items()}
            self.assertEqual(got, wanted, limit)
            self.assertEqual(said.verdicts.get(limit, {}), judge.year_verdicts(rule, final), limit)
            words += said.verdicts.get(limit, {}).values()
        self.assertEqual(len(words), 3 * 4 * 2)  # the standard's and ours, a point and a year that ended
        self.assertEqual(set(words), {"pass", "breach", "unknown"})

    def test_gucheng_when_it_was_recorded(self):
        self.judge_years("gucheng", 0)

    def test_dingling_from_2028_through_the_second_change(self):
        self.judge_years("dingling", 15 * 365 + 3)


# --- two days at 2 s ---

def guangdong(day):
    """[(at, {point: value or None})]: a line whose check sum is wrong was heard, but cannot be read."""
    out, last = [], None
    with gzip.open(os.path.join(DATA, f"guangdong-raw-2s-{day}.txt.gz"), "rt", errors="replace") as file:
        for line in file:
            try:
                at = judge.utc_ms(line[:19]) - judge.ZONE
            except ValueError:
                continue
            if last is not None and at < last:
                continue
            last = at
            out.append((at, values_of(line[20:].strip())))
    return out


def values_of(body):
    bad = dict.fromkeys(("pm25", "pm10", "wind_speed"))
    text, star, digits = body.partition("*")
    check = 0x1A
    for c in text:
        check ^= ord(c)
    try:
        if not star or int(digits, 16) != check:
            return bad
        fields = text.rstrip(",").split(",")
        wind = int(text[text.index("D") + 1:text.index("E")])
        return {"pm25": int(fields[5]) * TT, "pm10": int(fields[6]) * TT, "wind_speed": wind * TT // 10}
    except (ValueError, IndexError):
        return bad


@of_recorded_data
class Samples(unittest.TestCase):
    SETTINGS = judge.Settings(hole=10 * MINUTE, offline=30 * MINUTE, zero=10 * MINUTE, flat=HOUR, flat_low=20,
                              flat_low_after=3 * HOUR, inversion=3 * HOUR, copy=30 * MINUTE, plateau=30 * MINUTE)

    def judge_day(self, day):
        record = guangdong(day)
        points = ["pm25", "pm10", "wind_speed"]
        lines = [f"s {at} d/{p} {'-' if v[p] is None else f'{v[p] / TT:.10g}'}\n" for at, v in record for p in points]
        end = (record[-1][0] // MINUTE + 1) * MINUTE
        stage = record[0][0] // DAY * DAY
        said = told(points, [f"stage {stage} earthwork\n"] + lines + [f"end {end}\n", f"later {end + 3 * HOUR}\n"], period="3s")
        minutes, spikes = {}, 0
        for p in points:
            samples = [(at, v[p]) for at, v in record]
            if p != "wind_speed":
                floats = judge.without_spikes([(at, None if x is None else x / TT) for at, x in samples])
                spikes += sum(v is not None and not counts for _, v, counts in floats)
                samples = [(at, None if v is None else int(v * TT), counts) for at, v, counts in floats]
            else:
                samples = [(at, v, v is not None) for at, v in samples]
            minutes[p] = judge.minutes_of(samples, 20)
        self.compare_minutes(said, minutes, points)
        first = record[0][0] // MINUTE * MINUTE
        steps = [Step(t, 1, {p: minutes[p].get(t) for p in points}) for t in range(first, end, MINUTE)]
        found = [r for r in judge.quality(steps, self.SETTINGS) if r.check != "offline"]
        told_of = [q for q in said.quality if q[0] not in ("offline", "spike")]
        self.assertEqual(sorted((c, p, s) for c, p, state, s, _ in told_of if state == "begin"),
                         sorted((r.check, r.point, r.start) for r in found))
        final = judge.without_flagged(steps, found)
        return said, final, spikes

    def compare_minutes(self, said, minutes, points):
        compared = 0
        for (start, p), (mean, n, of, _) in said.minutes.items():
            r = minutes[p].get(start)
            self.assertEqual(n > 0, r is not None, (start, p))
            if r is not None:
                self.assertEqual(mean, f"{r.mean / TT:.4f}", (start, p))
                self.assertEqual(n * 4 >= of * 3, r.valid, (start, p))
                compared += 1
        self.assertGreater(compared, 1000 * len(points))

    def compare_limits(self, said, final):
        words = set()
        for name, rule in judge.RULES.items():
            if rule.role not in final[0].readings:
                continue
            wanted = judge.verdicts(name, final, lambda t: "earthwork", {})
            got = {k: v for k, v in said.verdicts.get(name, {}).items()}
            self.assertEqual(got, wanted, name)
            words |= set(wanted.values())
        return words

    def test_the_day_of_many_damaged_lines(self):
        said, final, _ = self.judge_day("2020-06-07")
        self.assertIn("unknown", self.compare_limits(said, final))

    def test_the_day_that_reaches_997(self):
        said, final, _ = self.judge_day("2021-01-17")
        words = self.compare_limits(said, final)
        self.assertIn("pass", words)


# --- noise ---

def noise_made(days, random, silent=0.03):
    """[(at, level in ten-thousandths or None)] each 2 s, in tenths of a decibel. Nothing public records noise beside dust:
    windows of 20 min that are quiet, loud, hammered now and then, exactly at a limit or a tenth over it, or have holes."""
    kinds = {
        "quiet": lambda: random.gauss(48, 3), "works": lambda: random.gauss(66, 5), "loud": lambda: random.gauss(73, 4),
        "hammer": lambda: random.uniform(84, 96) if random.random() < 0.02 else random.gauss(56, 2),
        "one blow": lambda: 99 if random.random() < 0.001 else 51, "day limit": lambda: 70, "night limit": lambda: 55,
        "over by day": lambda: 70.1, "over by night": lambda: 55.1,
        "holes": lambda: None if random.random() < 0.26 else random.gauss(55, 6),
    }
    start, record = judge.day_ms("2026-03-01") - 5 * HOUR, []  # from seven in the evening on
    for window in range(start, start + days * DAY, 20 * MINUTE):
        kind = random.choice(sorted(kinds))
        if random.random() < silent:
            continue  # nobody asked
        for at in range(window, window + 20 * MINUTE, 2000):
            value = kinds[kind]()
            record.append((at, None if value is None else round(value * 10) * TT // 10))
    return record


class Noise(unittest.TestCase):
    """Equivalent levels: minutes, hours, days and the windows of GB 12523 by day and by night."""

    def setUp(self):
        self.record = noise_made(30 if harness.STORM else 4, random.Random(harness.SEED))
        minutes = judge.minutes_of([(at, v, v is not None) for at, v in self.record], 30, levels=True)
        first, self.end = self.record[0][0] // MINUTE * MINUTE, (self.record[-1][0] // MINUTE + 1) * MINUTE
        self.steps = [Step(t, 1, {"noise": minutes.get(t)}) for t in range(first, self.end, MINUTE)]

    def told(self):
        lines = [f"s {at} d/noise {'-' if v is None else f'{v / TT:.10g}'}\n" for at, v in self.record]
        return told(["noise"], lines + [f"end {self.end}\n", f"later {self.end + DAY}\n"], period="2s")

    def test_each_window_by_day_and_by_night_has_the_verdict_of_its_energy(self):
        said, words = self.told(), {}
        for name in ("gb12523-2025/leq-day", "gb12523-2025/leq-night"):
            wanted = judge.verdicts(name, self.steps, None, {})
            self.assertEqual(said.verdicts[name], wanted)
            for word in wanted.values():
                words[name, word] = words.get((name, word), 0) + 1
        self.assertEqual(len(words), 6, "pass, breach and unknown, by day and by night")
        starts = [start for name in said.verdicts for start, _ in said.verdicts[name]]
        self.assertEqual(len(starts), len(set(starts)), "a window is judged by one of both")

    def test_minutes_hours_and_days_are_levels_of_the_mean_energy(self):
        said, compared = self.told(), 0
        for step in self.steps:
            mean, n, _, _ = said.minutes[step.start, "noise"]
            r = step.readings["noise"]
            self.assertEqual((mean, n > 0), (f"{r.mean / TT:.4f}", True) if r else ("nan", False))
        for minutes in (60, 1440):
            for start, (total, n) in judge.window_means(self.steps, "noise", minutes).items():
                mean, valid, _ = said.windows[start, minutes * MINUTE, "noise"]
                self.assertEqual((mean, valid), (f"{judge.level(total, n) / TT:.4f}" if n else "nan", n))
                compared += 1
        self.assertGreater(compared, 24 * 3)


# --- the sensor that stuck ---

@of_recorded_data
class Stuck(unittest.TestCase):
    FROM, MINUTES = judge.utc_ms("2018-12-16T01:53:58"), 85

    def readings(self):
        """A reading stands for the minutes until the next one, for three at most."""
        with gzip.open(os.path.join(DATA, "aberdeen-sds011-15092-zeroflat-2018-12.csv.gz"), "rt") as file:
            rows = [(judge.utc_ms(r["time_utc"].rstrip("Z")) // MINUTE * MINUTE, r) for r in csv.DictReader(file)]
        rows = [(t, r) for t, r in rows if abs(t - self.FROM) < 36 * HOUR]
        for (t, row), (following, _) in zip(rows, rows[1:] + [(rows[-1][0] + MINUTE, None)]):
            for k in range(min(3, (following - t) // MINUTE)):
                yield t + k * MINUTE, row

    def test_it_is_flagged_in_time_and_none_of_its_minutes_is_compliance(self):
        minutes = list(self.readings())
        lines = [f"m {t} 1 {row['pm25']} {row['pm10']}\n" for t, row in minutes]
        said = told(["pm25", "pm10"], lines + [f"end {minutes[-1][0] + 2 * DAY}\n"])
        begin = self.FROM // MINUTE * MINUTE
        found = [q for q in said.quality if q[0] == "zero" and q[2] == "begin" and q[3] == begin]
        self.assertEqual(sorted(q[1] for q in found), ["pm10", "pm25"])
        for q in found:
            self.assertEqual(q[4] - q[3], 10 * MINUTE)  # the configured time, to the minute
        stuck = {t for t, row in minutes if float(row["pm10"]) == 0 and begin <= t < begin + (self.MINUTES + 5) * MINUTE}
        self.assertGreaterEqual(len(stuck), self.MINUTES - 3)
        self.compare_windows(said, {t for t, _ in minutes} - stuck, stuck)

    def compare_windows(self, said, good, stuck):
        """No passed window counts a stuck minute: its valid ones are at most those that are left."""
        touched = 0
        for (start, length, point), (_, n, letter) in said.windows.items():
            inside = {t for t in stuck if start <= t < start + length}
            if not inside or point != "pm10":
                continue
            touched += 1
            self.assertLessEqual(n, sum(start <= t < start + length for t in good))
            if len(inside) * 4 > length // MINUTE:
                self.assertNotEqual(letter, "N")
                self.assertEqual(said.verdicts["shanxi-taiyuan/pm10-hour"].get((start, length), "unknown"), "unknown")
        self.assertGreaterEqual(touched, 3)


if __name__ == "__main__":
    harness.main()
