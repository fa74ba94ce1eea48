"""Limits and data quality computed again, from recorded values alone. Shares no code with dustd: the numbers of the
standards stand here a second time (docs: domain of the standards' texts), means are exact fractions, and time goes by
steps of the record (an hour, a minute) instead of minutes.

A Step is one reading: start (ms), minutes, and for each point (mean, lowest, highest, n, of) in ten-thousandths as
whole numbers, or None. What holds of a step holds of each of its minutes.
"""
from collections import namedtuple
from datetime import datetime, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import lru_cache

MINUTE, HOUR, DAY, ZONE = 60_000, 3_600_000, 86_400_000, 8 * 3_600_000
TT = 10_000  # ten-thousandths
FOREVER = 1 << 62

Reading = namedtuple("Reading", "mean low high valid")
Step = namedtuple("Step", "start minutes readings")  # readings: {point: Reading or None}
Rule = namedtuple("Rule", "role minutes reaches value step allowed minus stages release hours first last of_day days",
                  defaults=(False, 0, 0, 0, False, (), 0, 0, None, None, None, None))
# of_day: from hour, to hour; days: of a year, of a month, of February


def half_even(x):
    """A Fraction to the nearest whole number, a tie to the even one."""
    return round(x)


def day_ms(text):
    return int(datetime.fromisoformat(text + "T00:00+08:00").timestamp() * 1000)


def rule(role, minutes, value, **more):
    value = Fraction(str(value))
    more["value"] = value * (1 if role == "wind_speed" else 1)
    return Rule(role=role, minutes=minutes, **more)


def annual(role, value, hours=20, **more):
    return rule(role, 0, value, step=1, hours=hours, days=(324, 27, 25), **more)


EARLY, LATE = ("demolition", "earthwork"), ("foundation", "structure", "finishing", "suspended")
RULES = {
    "shanxi-taiyuan/pm10-hour": rule("pm10", 60, 250, reaches=True, first="2000-01-01"),
    "hebei-db13-2934-2019/pm10-difference": rule("pm10", 60, 80, allowed=2, minus=True, first="2019-04-01"),
    "shanghai-db31-964-2016/pm-15min-high": rule("tsp", 15, 2000, allowed=1, first="2017-01-01"),
    "shanghai-db31-964-2016/pm-15min-low": rule("tsp", 15, 1000, allowed=6, first="2017-01-01"),
    "shaanxi-db61-1078-2017/tsp-hour-earthwork": rule("tsp", 60, 800, stages=EARLY, first="2017-08-06"),
    "shaanxi-db61-1078-2017/tsp-hour-structure": rule("tsp", 60, 700, stages=LATE, first="2017-08-06"),
    "liaoning-db21-2642-2016-city/tsp-5min": rule("tsp", 5, 800, first="2017-01-01"),
    "liaoning-db21-2642-2016-country/tsp-5min": rule("tsp", 5, 1000, first="2017-01-01"),
    "sichuan-db51-2682-2020/tsp-15min-earthwork": rule("tsp", 15, 600, stages=EARLY, first="2020-09-01"),
    "sichuan-db51-2682-2020/tsp-15min-other": rule("tsp", 15, 250, stages=LATE, first="2020-09-01"),
    "hubei-wuhan/pm10-hour-warning": rule("pm10", 60, 150, first="2000-01-01"),
    "hubei-wuhan/pm10-hour-stop": rule("pm10", 60, 200, release=150, first="2000-01-01"),
    "gb3095/pm10-24h-2012": rule("pm10", 1440, 150, step=1, hours=20, last="2026-03-01"),
    "gb3095/pm10-24h-2026": rule("pm10", 1440, 120, step=1, hours=20, first="2026-03-01", last="2031-01-01"),
    "gb3095/pm10-24h-2031": rule("pm10", 1440, 100, step=1, hours=20, first="2031-01-01"),
    "gb3095/pm25-24h-2012": rule("pm25", 1440, 75, step=1, hours=20, last="2026-03-01"),
    "gb3095/pm25-24h-2026": rule("pm25", 1440, 60, step=1, hours=20, first="2026-03-01", last="2031-01-01"),
    "gb3095/pm25-24h-2031": rule("pm25", 1440, 50, step=1, hours=20, first="2031-01-01"),
    "gb3095/tsp-24h": rule("tsp", 1440, 300, step=1, hours=24),
    "gb12523-2025/leq-day": rule("noise", 20, 70, first="2026-01-01", of_day=(6, 22)),
    "gb12523-2025/leq-night": rule("noise", 20, 55, first="2026-01-01", of_day=(22, 6)),
    "gb3095/pm10-year-2012": annual("pm10", 70, last="2026-03-01"),
    "gb3095/pm10-year-2026": annual("pm10", 60, first="2026-03-01", last="2031-01-01"),
    "gb3095/pm10-year-2031": annual("pm10", 50, first="2031-01-01"),
    "gb3095/pm25-year-2012": annual("pm25", 35, last="2026-03-01"),
    "gb3095/pm25-year-2026": annual("pm25", 30, first="2026-03-01", last="2031-01-01"),
    "gb3095/pm25-year-2031": annual("pm25", 25, first="2031-01-01"),
    "gb3095/tsp-year": annual("tsp", 200, hours=24),
    "wind-grade4/wind-2min": rule("wind_speed", 2, 5.5, reaches=True, stages=EARLY, first="2000-01-01"),
    "wind-grade5/wind-2min": rule("wind_speed", 2, 8, reaches=True, stages=EARLY, first="2000-01-01"),
}
CAP = 150  # of the background, ug/m3
LEVELS = ("noise",)  # in decibels: their mean is the level of the mean of 10^(L/10)


@lru_cache(None)
def energy(tenths):
    """Of a level in ten-thousandths of a decibel, by decimal arithmetic of 28 digits."""
    return Decimal(10) ** (Decimal(tenths) / (10 * TT))


def level(total, n):
    """Back again, rounded to ten-thousandths."""
    exact = ((total / n).log10() * 10).quantize(Decimal("1e-11"), ROUND_HALF_EVEN)
    return int((exact * TT).to_integral_value(ROUND_HALF_EVEN))


def weight(point):
    """What is summed of a mean."""
    return energy if point in LEVELS else lambda tenths: tenths


def of_day(r, start):
    if not r.of_day:
        return True
    first, last = r.of_day
    hour = (start + ZONE) % DAY // HOUR
    return first <= hour < last if first < last else hour >= first or hour < last


# --- data quality: what lasts ---

Run = namedtuple("Run", "check point start end sure")  # sure: when it had lasted long enough; None: never


def runs(check, point, steps, holds, after, hole):
    """Runs in which holds(step, memory) says True; "anew" begins another, None says nothing."""
    out, memory, start, end, sure = [], {}, None, None, None

    def close():
        nonlocal start, sure
        if start is not None and sure is not None:
            out.append(Run(check, point, start, end, sure))
        start = sure = None
        memory.clear()

    for step in steps:
        if start is not None and step.start - end > hole:
            close()
        said = holds(step, memory)
        if said is None:
            continue
        if said == "anew":
            kept = dict(memory)
            close()
            memory.update(kept)
        elif not said:
            close()
            continue
        if start is None:
            start = step.start
        end = step.start + step.minutes * MINUTE
        need = after(memory)
        if sure is None and end - start >= need:
            sure = max(start + need, step.start + MINUTE)
    close()
    return out


def zero(point):
    def holds(step, _):
        r = step.readings.get(point)
        return None if r is None else r.high <= 0
    return holds


def flat(point):
    def holds(step, memory):
        r = step.readings.get(point)
        if r is None:
            return None
        if r.low != r.high:
            return False
        same = memory.get("value") == r.mean
        memory["value"] = r.mean
        return True if same else "anew"
    return holds


def offline(point):
    return lambda step, _: step.readings.get(point) is None


def inverted(own, lower, upper, percent):
    def over(a, b):
        return a is not None and b is not None and a.mean * 100 > b.mean * (100 + percent)

    def holds(step, _):
        me, low, high = (step.readings.get(p) if p else None for p in (own, lower, upper))
        if me is None or (low is None and high is None):
            return None
        return over(low, me) or over(me, high)
    return holds


def copied(point, by_start):
    def holds(step, memory):
        r, before = step.readings.get(point), by_start.get(step.start - DAY)
        if r is None:
            return None
        before = before.readings.get(point) if before else None
        if before is None or r[:3] != before[:3]:
            return False
        if "value" not in memory:
            memory.update(value=r.mean, changes=0)
            return "anew"
        memory["changes"] += r.mean != memory["value"]
        memory["value"] = r.mean
        return True
    return holds


def plateau(point, others, span, rise):
    """Within `span` % just below a whole hundred (five hundred, thousand), while another has risen by `rise` %."""
    def highest(step):
        values = [step.readings[o].mean for o in others if step.readings.get(o)]
        return max(values) if values else None

    def holds(step, memory):
        r = step.readings.get(point)
        if r is None:
            return None
        v = Fraction(r.mean, TT)
        unit = 100 if v < 1000 else 500 if v < 5000 else 1000
        top = -(-v // unit) * unit
        if not (v >= 100 - span and top - v <= top * span / 100):
            return False
        other = highest(step)
        if "value" not in memory or abs(r.mean - memory["value"]) * 100 > memory["value"] * span:
            memory.clear()
            memory.update(value=r.mean, other=other, risen=False)
            return "anew"
        known = other is not None and memory["other"] is not None
        memory["risen"] |= known and other * 100 >= memory["other"] * (100 + rise)
        return True
    return holds


Settings = namedtuple("Settings", "hole offline zero flat flat_low flat_low_after inversion copy plateau")


def quality(steps, s):
    """All runs that lasted long enough, of the points that there are."""
    by_start = {step.start: step for step in steps}
    found = []
    order = [p for p in ("pm25", "pm10", "tsp") if any(p in step.readings for step in steps)]
    points = order + [p for p in ("wind_speed",) if any(p in step.readings for step in steps)]
    for p in points:
        found += runs("offline", p, steps, offline(p), lambda m: s.offline, s.hole)
    for i, p in enumerate(order):
        lower, upper = order[i - 1] if i else None, order[i + 1] if i + 1 < len(order) else None
        found += runs("zero", p, steps, zero(p), lambda m: s.zero, s.hole)
        found += runs("flatline", p, steps, flat(p),
                      lambda m: s.flat_low_after if m["value"] < s.flat_low * TT else s.flat, s.hole)
        found += runs("inversion", p, steps, inverted(p, lower, upper, 10), lambda m: s.inversion, s.hole)
        found += runs("copy", p, steps, copied(p, by_start),
                      lambda m: s.copy if m["changes"] >= 5 else FOREVER, s.hole)
        found += runs("plateau", p, steps, plateau(p, [o for o in order if o != p], 2, 30),
                      lambda m: s.plateau if m["risen"] else FOREVER, s.hole)
    return found


FLAGS = ("zero", "flatline", "inversion")


def below_background(steps, point, background, found, after):
    """Hours below half of their background. Each is looked at when it is over for two hours, with what was known then."""
    flagged = [r for r in found if r.point == point and r.check in FLAGS]
    hours = {}
    for step in steps:
        r = step.readings.get(point)
        if r is not None and r.valid:
            hours[step.start] = r.mean

    def known_bad(hour):
        return any(r.start <= hour < r.end and r.sure < hour + 3 * HOUR for r in flagged)

    def holds(step, _):
        hour, level = step.start, background.get(step.start)
        if hour not in hours or level is None or known_bad(hour):
            return None
        return hours[hour] * 2 < level * TT
    last = steps[-1].start + steps[-1].minutes * MINUTE
    return runs("background", point, [s for s in steps if s.start + 3 * HOUR <= last], holds, lambda m: after, 10 * MINUTE)


# --- limits ---

def without_flagged(steps, found):
    """The steps as the windows take them in the end."""
    marks = {}
    for r in found:
        if r.check in FLAGS:
            marks.setdefault(r.point, []).append(r)
    final = []
    for step in steps:
        readings = {}
        for point, r in step.readings.items():
            bad = r is not None and any(m.start <= step.start < m.end for m in marks.get(point, ()))
            readings[point] = r._replace(valid=False) if bad else r
        final.append(step._replace(readings=readings))
    return final


def window_means(steps, point, minutes):
    """{start: (sum, n)} of all windows that have a step, in ten-thousandths (of levels: energies) and minutes."""
    length, out, weigh = minutes * MINUTE, {}, weight(point)
    for step in steps:
        r = step.readings.get(point)
        ok = r is not None and r.valid
        span = step.minutes * MINUTE
        first = (step.start + ZONE) // length * length - ZONE
        for start in range(first, step.start + span, length):
            inside = (min(start + length, step.start + span) - max(start, step.start)) // MINUTE
            total, n = out.get(start, (0, 0))
            out[start] = (total + weigh(r.mean) * inside, n + inside) if ok else (total, n)
    return out


def daily_of_hours(steps, point):
    """{day: (sum, n)} over the valid hours."""
    out = {}
    for start, (total, n) in window_means(steps, point, 60).items():
        day = (start + ZONE) // DAY * DAY - ZONE
        s, k = out.get(day, (0, 0))
        out[day] = (s + half_even(Fraction(total, n)), k + 1) if n >= 45 else (s, k)
    return out


def compared(r, total, n, background):
    if r.role in LEVELS:
        return level(total, n)
    mean = Fraction(total, n) - background * TT
    if r.step:
        return half_even(mean / (r.step * TT)) * r.step * TT
    return half_even(mean)


def exceeds(r, number):
    limit = r.value * TT
    return number >= limit if r.reaches else number > limit


def window_verdicts(r, steps, stage_at, background):
    """{start: verdict or number}: unknown, or what was compared."""
    means = daily_of_hours(steps, r.role) if r.hours else window_means(steps, r.role, r.minutes)
    first = day_ms(r.first) if r.first else -FOREVER
    last = day_ms(r.last) if r.last else FOREVER
    for start, (total, n) in sorted(means.items()):
        if not first <= start < last or not of_day(r, start):
            continue
        stage = stage_at(start) if r.stages else None
        if r.stages and stage and stage not in r.stages:
            continue
        enough = n >= r.hours if r.hours else n * 4 >= r.minutes * 3
        level = background.get(start) if r.minus else 0
        if (r.stages and not stage) or not enough or level is None:
            yield start, None
        else:
            yield start, compared(r, total, n, min(level, CAP) if r.minus else 0)


def year_numbers(r, steps):
    """{(start, length): (valid days, what is compared or None)} of the calendar years that ended with the record or before,
    and of which it has a step."""
    years, over = {}, steps[-1].start + steps[-1].minutes * MINUTE
    for start, (total, n) in daily_of_hours(steps, r.role).items():
        date = datetime.fromtimestamp((start + ZONE) / 1000, timezone.utc)
        means = years.setdefault(date.year, {})
        if n >= r.hours:
            means[date.month, date.day] = half_even(Fraction(total, n))
    out = {}
    for year, means in years.items():
        start, end = day_ms(f"{year}-01-01"), day_ms(f"{year + 1}-01-01")
        if end > over or not (day_ms(r.first) if r.first else 0) <= start < (day_ms(r.last) if r.last else FOREVER):
            continue
        in_month = [sum(m == month for m, _ in means) for month in range(1, 13)]
        whole = len(means) >= r.days[0] and all(n >= r.days[2 if month == 2 else 1] for month, n in enumerate(in_month, 1))
        out[start, end - start] = (len(means), compared(r, sum(means.values()), len(means), 0) if whole else None)
    return out


def year_verdicts(r, steps):
    return {k: "unknown" if number is None else "breach" if exceeds(r, number) else "pass"
            for k, (_, number) in year_numbers(r, steps).items()}


def verdicts(name, final, stage_at, background):
    """{(start, length): verdict} of a limit, its days too where it counts them."""
    r, out, days, in_force = RULES[name], {}, {}, False
    if r.days:
        return year_verdicts(r, final)
    for start, number in window_verdicts(r, final, stage_at, background):
        over = number is not None and exceeds(r, number)
        if r.release and number is not None:  # what is taken back later takes back what it began
            over = in_force = over or (in_force and number >= r.release * TT)
        verdict = "unknown" if number is None else "breach" if over else "pass"
        if r.allowed:
            verdict = "exceeded" if verdict == "breach" else verdict
            day = (start + ZONE) // DAY * DAY - ZONE
            days.setdefault(day, []).append(verdict)
        out[start, r.minutes * MINUTE] = verdict
    for day, told in days.items():
        exceeded, holes = told.count("exceeded"), told.count("unknown") + 1440 // r.minutes - len(told)
        out[day, DAY] = "breach" if exceeded > r.allowed else "unknown" if exceeded + holes > r.allowed else "pass"
    return out


# --- samples to minutes ---

def without_spikes(samples, factor=5, floor=100):
    """[(at, value, counts)] of one point's samples [(at, value or None)], minute by minute: a single one far from two
    neighbours that agree does not count; what is far and has no neighbour yet in its minute does."""
    out, kept, due, before, held = [], [], None, None, None

    def keep(at, value):
        nonlocal due
        if due is None or at >= due or due - at > 28_000:
            kept.append(value)
            del kept[:-64]
            due = at + 28_000

    def median(values):
        values = sorted(values)
        half = len(values) // 2
        return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2

    def far(a, b):
        if abs(a - b) <= floor:
            return False
        middle = median(kept) if kept else 0
        return abs(a - b) > factor * (median([abs(k - middle) for k in kept]) if kept else 0)

    def let_go():
        nonlocal held, before
        out.append((*held, True))
        before = held[1]
        keep(*held)
        held = None

    for at, value in samples:
        if held and held[0] // MINUTE != at // MINUTE:
            let_go()
        if value is None:
            out.append((at, None, False))
            continue
        if held:
            if not far(value, before) and far(value, held[1]):
                out.append((*held, False))
                held = None
            else:
                let_go()
        if before is not None and far(value, before):
            held = (at, value)
            continue
        before = value
        keep(at, value)
        out.append((at, value, True))
    if held:
        let_go()
    return out


def minutes_of(samples, due, levels=False):
    """{minute: Reading or None} of [(at, value in ten-thousandths, counts)]."""
    groups = {}
    for at, value, counts in samples:
        group = groups.setdefault(at // MINUTE * MINUTE, [[], 0])
        group[1] += 1
        if counts:
            group[0].append(value)
    out = {}
    for minute, (values, came) in groups.items():
        if values:
            mean = level(sum(map(energy, values)), len(values)) if levels else half_even(Fraction(sum(values), len(values)))
            out[minute] = Reading(mean, min(values), max(values), len(values) * 4 >= max(came, due) * 3)
    return out


def utc_ms(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp() * 1000)
