"""A week of a site, as rows of a journal: Monday 2026-11-16 to Sunday 2026-11-22, 示例工地. What a report of it must say
is written down beside it. Nothing here was measured."""
import json

HOUR, DAY = 3600000, 86400000
MONDAY = 1794758400000  # 2026-11-16T00:00+08:00
END = MONDAY + 7 * DAY
NOW = END + 6 * HOUR

SITE = {"name": "example", "title": {"zh": "示例工地", "en": "Example Site"}, "community": "示例社区",
        "contractor": "示例施工单位", "authority": "示例主管部门"}
PEOPLE = {"site-manager": {"title": "工地负责人甲", "phone": "000 0000 001", "organisation": "unit"},
          "community": {"title": "社区干部乙"}, "office": {"title": "领导小组办公室"}}
ORGANISATIONS = {"unit": {"title": {"zh": "示例施工单位一分公司", "en": "Example Builders, branch 1"}, "kind": "unit"}}
REQUIREMENTS = {"enclosure": ("施工现场封闭管理", "The site is enclosed"), "hardening": ("场区道路硬化", "Roads are hardened"),
                "covering": ("渣土物料覆盖", "Soil and materials are covered"), "watering": ("洒水清扫保洁", "Watered and swept"),
                "transport": ("物料密闭运输", "Loads are covered"), "washing": ("出入车辆清洗", "Vehicles are washed")}

# What the report of the week must say.
COUNTS = {"found": 7, "rectified": 2, "closed": 2, "dismissed": 1, "in_progress": 4, "overdue": 1, "relapses": 1}
LISTED = ["LQ-2026-0002", "LQ-2026-0003", "LQ-2026-0004", "LQ-2026-0005", "LQ-2026-0006", "LQ-2026-0007", "LQ-2026-0008"]
NOTICE = ["LQ-2026-0002", "LQ-2026-0003", "LQ-2026-0004", "LQ-2026-0007", "LQ-2026-0008"]  # without the lead and the false alarm
RELAPSES_IN_ALL = 1
MEANS, UNKNOWN_DAY, LOST_DAY, HOLE = 6 * 24 - 12, 3, 5, (MONDAY + 2 * DAY + 6 * HOUR, MONDAY + 2 * DAY + 18 * HOUR)
OVER = [MONDAY + DAY + h * HOUR for h in (10, 11, 12)]
FORMULA = '=HYPERLINK("http://example.invalid","点此")'
SCRIPT = "<script>document.title='x'</script>"


def row(ts, kind, subject="", **body):
    return {"ts": ts, "kind": kind, "subject": subject, **body}


class Issues:
    """Steps of issues as the ledger writes them; only the fields that a step needs."""

    def __init__(self):
        self.rows, self.state = [], {}

    def open(self, ts, number, kind, subject, cause, zh, en, due=None, to="found", by="machine", **more):
        name = f"LQ-2026-{number:04d}"
        self.state[name] = to
        self.rows.append(row(ts, "issue", name, step="open", **{"from": None}, to=to, by=by,
                             about={"kind": kind, "subject": subject, "cause": cause}, title={"zh": zh, "en": en},
                             person="site-manager", **({"rectify_due": due} if due else {}), **more))
        return name

    def step(self, ts, name, step, to, by="office", **more):
        self.rows.append(row(ts, "issue", name, step=step, **{"from": self.state[name]}, to=to, by=by, **more))
        self.state[name] = to

    def walk(self, ts, name, *steps):
        """The usual way, an hour a step."""
        usual = {"confirm": ("confirmed", "office", None), "assign": ("assigned", "community", None),
                 "accept": ("working", "site-manager", None),
                 "rectify": ("review", "site-manager", "已增加雾炮，恢复喷淋"), "close": ("closed", "office", "现场复核合格")}
        for i, step in enumerate(steps):
            to, by, text = usual[step]
            self.step(ts + i * HOUR, name, step, to, by, **({"text": text} if text else {}),
                      **({"person": "site-manager"} if step == "assign" else {}))


def issues():
    i = Issues()
    dust = ("limit", "shanxi-taiyuan/pm10-hour", "gate-dust/pm10", "gate-dust/pm10 小时均值 312.4 ug/m3，达到 250",
            "gate-dust/pm10: hour mean 312.4 ug/m3 reaches 250")
    first = i.open(MONDAY - 7 * DAY, 1, *dust, due=MONDAY - 6 * DAY)
    i.walk(MONDAY - 7 * DAY + HOUR, first, "confirm", "assign", "accept", "rectify", "close")
    again = i.open(OVER[0] + HOUR, 3, *dust, due=OVER[0] + 25 * HOUR, previous=first, level="major", relapse_of=first, relapses=1)
    i.walk(OVER[0] + 2 * HOUR, again, "confirm", "assign", "accept")
    i.step(OVER[0] + 5 * HOUR, again, "answer", "working", "site-manager", text="停止土方作业，增开两台雾炮")
    i.walk(MONDAY + 2 * DAY, again, "rectify")
    i.step(MONDAY + 2 * DAY + HOUR, again, "return", "working", text="雾炮未覆盖东侧")
    i.walk(MONDAY + 3 * DAY, again, "rectify", "close")
    washed = i.open(MONDAY + DAY + 9 * HOUR, 2, "wash", "washing", "exit-washed/wash_none", "晋J1***5 出场未冲洗",
                    "晋J1***5 left unwashed", due=MONDAY + DAY + 11 * HOUR)
    i.step(MONDAY + DAY + 10 * HOUR, washed, "recover", "closed", "machine")
    soil = i.open(MONDAY + 2 * DAY + 8 * HOUR, 4, "requirement", "covering", "bare-soil/too_much", "裸土占比 18 %，超过 5 %",
                  "18 % bare soil, more than 5 %", due=MONDAY + 3 * DAY + 8 * HOUR)
    i.walk(MONDAY + 2 * DAY + 9 * HOUR, soil, "confirm", "assign", "accept")
    i.open(MONDAY + 5 * DAY, 6, "limit", "shanxi-taiyuan/pm25-day", "gate-dust/pm25", "gate-dust/pm25 日均值 81 ug/m3，超过 75",
           "gate-dust/pm25: day mean 81 ug/m3 over 75", due=MONDAY + 9 * DAY)
    false = i.open(MONDAY + 3 * DAY, 5, "device", "relay", "relay", "喷淋继电器无应答", "the spray relay does not answer")
    i.step(MONDAY + 3 * DAY + HOUR, false, "dismiss", "dismissed", text="检修停电")
    dry = i.open(MONDAY + 6 * DAY + 9 * HOUR, 7, "requirement", "watering", "dusty/no_water", "扬尘后 15 分钟内未洒水",
                 "no water within 15 min of dust", due=MONDAY + 8 * DAY)
    i.walk(MONDAY + 6 * DAY + 10 * HOUR, dry, "confirm", "assign", "accept")
    i.step(MONDAY + 6 * DAY + 14 * HOUR, dry, "answer", "working", "site-manager",
           text="车辆晋J12345由工地负责人甲处理，电话13800138000，2026-11-24前完成")
    i.step(MONDAY + 6 * DAY + 15 * HOUR, dry, "note", "working", text=FORMULA)
    i.step(MONDAY + 6 * DAY + 16 * HOUR, dry, "note", "working", text=SCRIPT)
    heap = "东侧堆场未覆盖"
    i.open(MONDAY + 6 * DAY + 17 * HOUR, 8, "finding", "covering", "东侧堆场", heap, heap, due=END + 11 * HOUR, to="confirmed", by="office",
           way="spot", nodes=[END + 9 * HOUR, END + 10 * HOUR, END + 11 * HOUR])
    # after the week: none of it is in its report
    i.walk(END + 2 * HOUR, dry, "rectify")
    i.open(END + 3 * HOUR, 9, *dust, due=END + DAY, previous=again, level="critical", relapse_of=again,
           relapses=2)
    return i.rows


def means():
    for n in range(7 * 24):
        ts = MONDAY + n * HOUR
        if HOLE[0] <= ts < HOLE[1] or n // 24 == LOST_DAY:
            continue
        mean = 320.0 if ts in OVER else 90 + 60 * ((n % 24) / 24)
        yield row(ts, "verdict", "shanxi-taiyuan/pm10-hour", window_s=3600, verdict="breach" if ts in OVER else "pass",
                  point="gate-dust/pm10", mean=mean, n=60, of=60, q="N", compare=">=", value=250.0, unit="ug/m3")
        points = {f"gate-dust/{p}": {"mean": mean, "n": 60 if n // 24 != 4 else 30, "of": 60, "q": "N"} for p in ("pm10", "pm25")}
        points["relay/spray"] = {"mean": 0.0, "n": 60, "of": 60, "q": "N"}
        yield row(ts, "hour", "", points=points)


def verdicts():
    """(verdict, met, met and failed, unknown) of each requirement's days."""
    good = {"enclosure": ("pass", 48, 48, 0), "hardening": ("pass", 1, 1, 0), "covering": ("pass", 6, 6, 0),
            "watering": ("pass", 5, 5, 0), "transport": ("pass", 12, 12, 0), "washing": ("pass", 12, 12, 0)}
    for day in range(7):
        for name, verdict in good.items():
            if day == LOST_DAY:
                continue
            if day == UNKNOWN_DAY:
                verdict = ("unknown", 0, 0, 4)
            elif (day, name) == (1, "washing"):
                verdict = ("breach", 11, 12, 0)
            elif (day, name) == (2, "covering"):
                verdict = ("breach", 3, 6, 1)
            elif (day, name) == (6, "watering"):
                verdict = ("breach", 4, 5, 0)
            elif (day, name) == (6, "transport"):
                verdict = ("pass", 0, 0, 0)
            zh, en = REQUIREMENTS[name]
            yield row(MONDAY + day * DAY, "requirement", name, day="", verdict=verdict[0], title={"zh": zh, "en": en},
                      num=verdict[1], den=verdict[2], unknown=verdict[3], excused=0, completeness=1.0, checks=[])


def rows(language="zh"):
    first = [row(MONDAY - 8 * DAY, "boot", "", key="ab" * 32, fingerprint="-".join(["abcd"] * 16)),
             row(MONDAY - 8 * DAY, "settings", "", language=language, zone_min=480, site=SITE, people=PEOPLE,
                 organisations=ORGANISATIONS, categories={"covering": {"zh": "渣土物料覆盖", "en": "Covered soil and material"}})]
    rest = sorted([*issues(), *means(), *verdicts()], key=lambda r: r["ts"])
    return [*first, *rest, row(NOW, "stop")]


def lines(language="zh"):
    return "".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in rows(language))
