"""Reports: a week that was written down beforehand (a_week.py) as page, table and JSON; what Chromium makes of the page,
zh and en; what a notice leaves out; and a report of a running daemon, its row and its topic.

DUST_PICTURES=DIRECTORY keeps what Chromium has drawn, to be looked at.
"""
import csv
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import a_week
import harness
import sites
from harness import program, wait_for

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
COLUMNS = ("序号 问题编号 发现时间 发现方式 所属社区 工地/点位 六个100%项 存在问题 依据(限值/证据) 问题等级 行业主管部门 责任单位 责任人 "
           "联系电话 整改措施 整改时限 倒排节点 整改情况 整改到位时间 复核人 复核时间 销号人 销号时间 状态 亮灯 是否反弹 备注").split()
A4_POINTS = (595.28, 841.89)  # ISO 216: 210 mm x 297 mm
BREACH_AT = "2026-03-02T10:40:00+08:00"


def needs_chromium(test):
    if not CHROMIUM:
        print(f"skipped: {test.__name__}: no Chromium (script/bootstrap --report brings one, with fonts)", file=sys.stderr)
    return unittest.skipUnless(CHROMIUM, "no Chromium")(test)


class Page(html.parser.HTMLParser):
    """Texts by id, rows of the ledger, and every tag and address that a page has."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.tags, self.addresses, self.rows, self.lang = {}, set(), [], [], None
        self.open, self.row = [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.tags.add(tag)
        self.lang = named.get("lang", self.lang) if tag == "html" else self.lang
        self.addresses += [v for k, v in attrs if k in ("src", "href", "data", "action", "srcset", "xlink:href")]
        self.open.append((tag, named.get("id")))
        if tag == "tr" and named.get("class") == "issue":
            self.row = []
            self.rows.append(self.row)
        if tag == "td" and self.row is not None:
            self.row.append("")

    def handle_endtag(self, tag):
        if tag == "tr":
            self.row = None
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for _, name in self.open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data
        if self.row:
            self.row[-1] += data


class Base(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="dust-report-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def run_ctl(self, *args, code=0):
        done = subprocess.run(harness.dustctl(*args), capture_output=True, timeout=harness.PATIENCE, encoding="utf-8",
                              env={**os.environ, "LANG": "C.UTF-8"})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def read(self, name):
        with open(os.path.join(self.dir, name), "rb") as f:
            return f.read()

    def chromium(self, *args):
        """What Chromium prints; it loads nothing but the file."""
        done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                               "--disable-background-networking", "--disable-dev-shm-usage",
                               f"--user-data-dir={self.dir}/profile", *args],
                              capture_output=True, timeout=4 * harness.PATIENCE, encoding="utf-8", errors="replace")
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return done.stdout


class AWeek(Base):
    """Of a copy of a database."""

    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.dir, "state")
        os.mkdir(self.state)
        subprocess.run([os.path.join(harness.BUILD, "tests", "rows_fixture"), self.state], check=True, text=True,
                       input=a_week.lines(), timeout=harness.PATIENCE)

    def report(self, *args, code=0, kind="weekly"):
        return self.run_ctl("report", kind, "--db", os.path.join(self.state, "dust.db"), *args, code=code)

    def json(self, *args):
        return json.loads(self.report("--json", *args).stdout)

    def files(self, *args):
        """(page, table) as texts."""
        done = self.report("--out", self.dir, *args)
        page, table = done.stdout.split()
        return self.read(page).decode(), self.read(table)

    def table(self, *args):
        return list(csv.reader(self.files(*args)[1].decode("utf-8-sig").splitlines(keepends=True)))

    def test_the_week_counts_what_was_written_down_beforehand(self):
        report = self.json()
        self.assertEqual((report["from"], report["to"], report["asof"]), (a_week.MONDAY, a_week.END, a_week.END))
        self.assertEqual(report["counts"], a_week.COUNTS)
        self.assertEqual([i["id"] for i in report["issues"]], a_week.LISTED)
        self.assertEqual(report["relapses_in_all"], a_week.RELAPSES_IN_ALL)
        for group in ("by_site", "by_community", "by_requirement"):
            for name, count in a_week.COUNTS.items():
                self.assertEqual(sum(g["counts"][name] for g in report[group]), count, (group, name))

    def test_what_happened_after_the_week_is_not_in_its_report(self):
        report = self.json()
        dry = next(i for i in report["issues"] if i["id"] == "LQ-2026-0007")
        self.assertEqual((dry["state"], dry["rectified"], dry["closed"]), ("working", 0, 0))
        later = self.json("--from", "2026-11-23")
        self.assertEqual(later["counts"]["found"], 1)
        self.assertEqual(next(i for i in later["issues"] if i["id"] == "LQ-2026-0007")["state"], "review")

    def test_a_hole_is_a_hole_and_never_zero_nor_compliance(self):
        report = self.json()
        limit, = report["limits"]
        self.assertEqual((limit["due"], limit["windows"], limit["over"]), (168, 132, len(a_week.OVER)))
        meter = report["completeness"]["devices"][0]
        self.assertEqual(meter["days"], [1, 1, 0.5, 1, 0.5, None, 1])
        self.assertEqual((meter["valid"], meter["due"]), (2 * 7200, 2 * 7 * 1440))
        for requirement in report["requirements"]:
            self.assertEqual((requirement["no_record"], requirement["unknown"]), (1, 1), requirement["name"])
            self.assertNotIn("verdict", requirement["days"][a_week.LOST_DAY])
        page = self.files()[0]
        self.assertEqual(page.count('<td class="d hole">'), 6 + 2)  # six requirements, two devices
        chart = re.search(r'<figure><h3>gate-dust/pm10.*?</figure>', page, re.S).group()
        self.assertEqual(chart.count('class="hole"'), 2)
        self.assertEqual(chart.count('class="curve"'), 3)  # three parts, none across a hole
        self.assertEqual(chart.count('class="over"'), 3)

    def test_the_table_has_the_27_columns_for_excel(self):
        raw = self.files()[1]
        self.assertTrue(raw.startswith(b"\xef\xbb\xbf"))
        self.assertEqual(raw.count(b"\n"), raw.count(b"\r\n"))
        table = self.table()
        self.assertEqual(table[0], COLUMNS)
        self.assertEqual([row[1] for row in table[1:]], a_week.LISTED)
        self.assertEqual({len(row) for row in table}, {27})
        again = dict(zip(table[0], table[2]))
        self.assertEqual({k: again[k] for k in ("问题等级", "责任单位", "责任人", "整改措施", "整改到位时间", "复核人", "销号人", "销号时间", "状态", "是否反弹")},
                         {"问题等级": "较大", "责任单位": "示例施工单位一分公司", "责任人": "工地负责人甲", "整改措施": "停止土方作业，增开两台雾炮",
                          "整改到位时间": "2026-11-19 00:00", "复核人": "领导小组办公室", "销号人": "领导小组办公室",
                          "销号时间": "2026-11-19 01:00", "状态": "已销号", "是否反弹": "是"})

    def test_what_a_person_found_counts_under_the_requirement_of_the_same_name(self):
        report = self.json()
        heap = next(i for i in report["issues"] if i["id"] == "LQ-2026-0008")
        self.assertEqual((heap["item"], heap["found_by"], heap["place"]), ("渣土物料覆盖", "抽查", "示例工地 东侧堆场"))
        self.assertEqual(heap["nodes"], "50% 2026-11-23 09:00; 80% 2026-11-23 10:00; 100% 2026-11-23 11:00")
        covering = next(g for g in report["by_requirement"] if g["name"] == "渣土物料覆盖")
        self.assertEqual((covering["counts"]["found"], covering["counts"]["overdue"]), (2, 1))
        self.assertEqual(self.json("--lang", "en")["issues"][6]["found_by"], "spot")

    def test_a_formula_in_a_note_is_text_in_the_table_and_a_script_is_text_in_the_page(self):
        page, table = self.files()
        note = list(csv.reader(table.decode("utf-8-sig").splitlines(keepends=True)))[6][26]
        self.assertEqual(note, "'" + a_week.FORMULA + "；" + a_week.SCRIPT)
        self.assertNotIn("script", Page(page).tags)

    def test_the_page_loads_nothing(self):
        for args in ((), ("--public",), ("--lang", "en")):
            page = self.files(*args)[0]
            self.assertEqual(Page(page).addresses, [])
            self.assertNotRegex(page, r"url\((?!#)|@import|https?:(?!//example\.invalid)")

    def test_a_notice_names_no_person_and_no_number(self):
        page, table = self.files("--public")
        text = page + table.decode()
        for secret in ("晋J12345", "13800138000", "000 0000", "工地负责人甲", "社区干部乙", "领导小组办公室", "检修停电", "HYPERLINK"):
            self.assertNotIn(secret, text)
        self.assertIn("车辆晋J1***5由某某处理，电话***，2026-11-24前完成", text)
        self.assertEqual([row[1] for row in self.table("--public")[1:]], a_week.NOTICE)
        report = self.json("--public")
        self.assertEqual((report["counts"], report["left_out"]), (a_week.COUNTS, 2))
        self.assertIn("不在通报之列", page)

    def test_two_halves_of_a_month_are_cut_at_the_16th(self):
        half = json.loads(self.report("--json", kind="half-month").stdout)
        self.assertEqual(half["to"], a_week.MONDAY)  # 2026-11-16: the last that is over is 1 to 15
        self.assertEqual(half["to"] - half["from"], 15 * a_week.DAY)
        running = json.loads(self.report("--json", "--from", "2026-11-20", kind="half-month").stdout)
        self.assertEqual((running["from"], running["asof"]), (a_week.MONDAY, a_week.NOW))
        self.assertEqual({r["no_record"] for r in running["requirements"]}, {1})  # the 23rd runs: it is no hole yet

    def test_a_period_that_is_none_is_refused(self):
        for args in (["--to", "2026-11-20"], ["--from", "2026-11-20", "--to", "2026-11-20"], ["--from", "2026-11-20T08:00"],
                     ["--from", "2027-01-01"], ["--from", "2026-01-01", "--to", "2026-11-20"], ["--record"],
                     ["--as", "office"]):
            self.report(*args, code=2)
        self.report(code=2, kind="daily")

    def test_the_same_journal_gives_the_same_files(self):
        self.assertEqual(self.files(), self.files())

    @needs_chromium
    def test_chromium_shows_the_ledgers_numbers_on_a4_in_both_languages(self):
        pictures = os.environ.get("DUST_PICTURES") or self.dir
        for lang, title in (("zh", "扬尘治理周检查报告"), ("en", "weekly check")):
            report = self.json("--lang", lang)
            self.files("--lang", lang)
            path = os.path.join(self.dir, "example-weekly-2026-11-16.html")
            shown = Page(self.chromium("--dump-dom", path))
            self.assertEqual({name: int(shown.texts[name]) for name in report["counts"]}, report["counts"])
            self.assertEqual(shown.lang, {"zh": "zh-CN", "en": "en"}[lang])
            self.assertEqual([re.search("LQ-[0-9]+-[0-9]+", row[0]).group() for row in shown.rows], a_week.LISTED)
            self.assertEqual(shown.texts["fingerprint"], report["made_from"]["fingerprint"])
            picture, pdf = (os.path.join(pictures, f"report-{lang}.{kind}") for kind in ("png", "pdf"))
            self.chromium("--window-size=800,2600", f"--screenshot={picture}", path)
            with open(picture, "rb") as f:
                self.assertEqual(f.read(8), b"\x89PNG\r\n\x1a\n")
            self.chromium(f"--print-to-pdf={pdf}", "--no-pdf-header-footer", path)
            self.looks_like_a4(pdf, pages=range(2, 5))
            self.assertIn(title, self.read(path).decode())

    def looks_like_a4(self, pdf, pages):
        with open(pdf, "rb") as f:
            text = f.read()
        boxes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", text)
        self.assertIn(len(boxes), pages)
        self.assertEqual(len(boxes), len(re.findall(rb"/Type /Page\b", text)))
        for box in boxes:
            for is_points, a4 in zip(map(float, box), A4_POINTS):
                self.assertAlmostEqual(is_points, a4, delta=1)  # Chromium rounds to CSS pixels


class ARunningSite(harness.ScenarioTest):
    """Of a daemon that has found something itself."""

    def test_the_reports_numbers_are_the_ledgers_and_its_summary_is_a_row_and_a_topic(self):
        site = self.site(sites.BREACH_SIM, sites.BREACH, rate=120, start=BREACH_AT)
        watcher = site.watcher()
        site.start_sim()
        site.start_dustd()
        wait_for("an issue", lambda: json.loads(site.ctl("--json", "issues")))
        issue = json.loads(site.ctl("--json", "issues"))[0]["id"]
        site.ctl("issue", issue, "confirm", "现场已核实", "--as", "office")
        out = os.path.join(site.dir, "reports")
        os.mkdir(out)
        made = json.loads(site.ctl("report", "weekly", "--from", "2026-03-02", "--json", "--out", out, "--record"))
        ledger = json.loads(site.ctl("--json", "issues", "--all"))
        found = [i for i in ledger if i["found"] < made["asof"]]
        self.assertEqual(made["counts"]["found"], len(found))
        self.assertEqual(made["counts"]["in_progress"], len([i for i in found if not i.get("ended")]))
        self.assertEqual(next(i for i in made["issues"] if i["id"] == issue)["state"], "confirmed")
        self.assertIn("一号扬尘仪 pm10", next(i for i in made["issues"] if i["id"] == issue)["place"])
        self.assertTrue(made["simulated"])
        topic = wait_for("the topic", lambda: [m for retained, t, m in watcher.messages("report/weekly")])[0]
        row, = site.export_live("report")
        body = json.loads(row["body"])
        self.assertEqual((topic["counts"], body["counts"]), (made["counts"], made["counts"]))
        by = "root" if os.geteuid() == 0 else "dustd"  # the user that dustd runs as
        self.assertEqual((body["subject"], body["by"], body["simulated"]), ("weekly", by, True))
        self.assertEqual([f["name"] for f in body["files"]], sorted(os.listdir(out), reverse=True))
        self.assertNotIn("issues", body)
        self.assertLess(len(row["body"]), 8000)
        with open(os.path.join(out, body["files"][0]["name"]), encoding="utf-8") as f:
            self.assertIn("模拟数据，不是实测", f.read())
        late = site.watcher(name="late")
        wait_for("the retained report", lambda: [1 for retained, _, _ in late.messages("report/weekly") if retained])


if __name__ == "__main__":
    harness.main()
