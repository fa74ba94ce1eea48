"""A month with two phases of the campaign, in the site's time, through all programs: what a_month.py has written down
beforehand is what the journal tells, what stubs of the robots hear, and what the reports of its weeks and half-months count.

The daemon runs at the moments at which something happens, at 60 times the speed, and is killed between them: what was said must
not be said again. Robots see the site's time, so signatures and rates are checked in it. DUST_PICTURES=DIRECTORY keeps what the
robots heard."""
import json
import os
import re
import unittest
from datetime import datetime, timedelta, timezone

import a_month
import harness
import robots
import sites
from harness import wait_for

RATE = 60
CHINA = timezone(timedelta(hours=8))
SECRET = "SEC" + "0" * 63


def at(text):
    """ "09-14 10:00" as ms."""
    return int(datetime.strptime(f"{a_month.YEAR}-{text[:5]} {text[6:] or '00:00'}", "%Y-%m-%d %H:%M")
               .replace(tzinfo=CHINA).timestamp() * 1000)


def said(at_ms):
    return datetime.fromtimestamp(at_ms / 1000, CHINA).strftime("%m-%d %H:%M")


class StubsAgainstTheMakersVectors(unittest.TestCase):
    """A robot that takes everything would prove nothing: domain 6.1."""

    def stub(self, kind, secret, now_s):
        robot = robots.Robot.__new__(robots.Robot)
        robot.kind, robot.secret, robot.clock = kind, secret, lambda: now_s
        return robot

    def test_a_stub_knows_a_right_signature_from_a_wrong_and_from_an_old_one(self):
        ding = {"timestamp": "1700000000000", "sign": "mphPIqgjGbRzHPELpWQPiram3BEkrp9g5J866J8sMcg="}
        self.assertTrue(self.stub("dingtalk", SECRET, 1700000000).signed(ding, {}))
        self.assertFalse(self.stub("dingtalk", SECRET + "0", 1700000000).signed(ding, {}))
        self.assertFalse(self.stub("dingtalk", SECRET, 1700000000 + 3601).signed(ding, {}))
        feishu = {"timestamp": "1599360473", "sign": "3/MaVZ8JLIy4TUG+7KSFJqvUkTKd+HWY8g+56DZWq8s="}
        self.assertTrue(self.stub("feishu", "demo-secret", 1599360473).signed({}, feishu))
        self.assertFalse(self.stub("feishu", "demo", 1599360473).signed({}, feishu))
        self.assertFalse(self.stub("feishu", "demo-secret", 1599360473 - 3601).signed({}, feishu))

    def test_a_stub_is_deaf_to_more_than_its_robot_takes(self):
        for kind, most in (("wecom", 20), ("dingtalk", 20), ("feishu", 5)):
            robot = self.stub(kind, "", 0)
            robot.times, robot.deaf_until, robot.too_often = [], 0, 0
            self.assertEqual([robot.takes(0.01 * n) for n in range(most + 1)], [True] * most + [False])
            self.assertEqual(robot.too_often, 1)


class Month(harness.ScenarioTest):
    def open_site(self):
        told = sites.HEAD
        for person, channel in a_month.TOLD.items():
            told = re.sub(rf"(  {person}: .*roles: \[\w+\])", rf"\1, channels: [{channel}]", told)
        devices = sites.DEVICES.replace("period: 10s", "period: 10s, calibration_due: 2026-10-31")
        channels = "channels:\n" + "".join(
            f"  {kind}: {{kind: {kind}, url_file: {{dir}}/{kind}.secret{sign}, ca_file: {{dir}}/ca.crt}}\n"
            for kind, sign in (("wecom", ""), ("dingtalk", ", secret_file: {dir}/sign.secret"),
                               ("feishu", ", secret_file: {dir}/sign.secret")))
        quiet = re.sub(r", steps: \[.*?\]", "", sites.BREACH_SIM)
        self.s = self.site(quiet, told + sites.BUS + devices + a_month.CONFIG + channels, broker=False, rate=RATE)
        harness.make_certificates(self.s.dir)
        self.s.write("sign.secret", SECRET + "\n")
        self.robots = {}
        for kind in a_month.TOLD.values():
            self.robots[kind] = robots.Robot(kind, self.s.dir, "" if kind == "wecom" else SECRET, clock=self.now_s)
            self.addCleanup(self.robots[kind].close)
            self.s.write(f"{kind}.secret", self.robots[kind].url() + "\n")

    def now_s(self):
        """The site's time, as the robots know it: it is asked of the clock that the daemon was started with."""
        return self.base_s + (robots.time.monotonic() - self.since) * RATE

    def alerts(self):
        bodies = [json.loads(row["body"]) for row in self.s.export_live("alert")]
        return [f"{b['step']} {b['subject']}: {' '.join(b['to'])}" for b in bodies]

    def expect(self, when, rows):
        """Those alerts, in this order, and everyone of them taken by its robot."""
        self.wanted += rows
        wait_for(f"{when}: {rows}", lambda: len(self.alerts()) >= len(self.wanted))
        self.assertEqual(self.alerts(), self.wanted, when)
        self.taken += sum(person in a_month.TOLD for row in rows for person in row.split(":")[1].split())
        wait_for(f"{when}: all to be told", lambda: len(self.s.export_live("alerted")) >= self.taken)

    def run_moment(self, when, by_itself, deeds):
        start = at(when)
        clock = ["--clock-rate", str(RATE), "--clock-start", f"{a_month.YEAR}-{when[:5]}T{when[6:]}:00+08:00"]
        self.base_s, self.since = start / 1000, robots.time.monotonic()
        self.s.start_dustd(clock=clock)
        self.expect(when, by_itself)
        for words, rows in deeds:
            self.s.ctl(*words)
            self.expect(f"{when} {words}", rows)
        after = self.s.status()["now"]
        wait_for("the next look at what is due", lambda: self.s.status()["now"] > after + 61000)
        self.expect(f"{when}, a little later", [])
        self.s.dustd.kill()

    @unittest.skipUnless(harness.may_be_root(), "acts in the name of several persons, as root")
    def test_a_month_with_two_phases_tells_and_reports_exactly_what_was_written_down_before(self):
        self.open_site()
        self.wanted, self.taken = [], 0
        self.s.start_sim()
        for moment in a_month.MOMENTS:
            self.run_moment(*moment)
        self.robots_heard()
        self.s.start_dustd(clock=["--clock-rate", "1", "--clock-start", f"{a_month.YEAR}-10-16T08:00:00+08:00"])
        self.ledger_is()
        self.assertEqual(self.s.dustd.stop(), 0)
        for report in a_month.REPORTS:
            self.report_is(*report)

    def heard(self, kind):
        """ "一般 发现问题 1": level, head, and the number of the issue in the text."""
        for text in self.robots[kind].texts():
            head = re.match(r"【模拟】【(.+?)】示例工地：([^：\n]+)", text)
            number = re.search(r"编号 LQ-\d+-0*(\d+)", text)
            yield " ".join(filter(None, (*(head.groups() if head else (text,)), number and number[1])))

    def robots_heard(self):
        for kind, messages in a_month.HEARD.items():
            robot = self.robots[kind]
            if os.environ.get("DUST_PICTURES"):
                with open(os.path.join(os.environ["DUST_PICTURES"], f"month-{kind}.txt"), "w") as f:
                    f.write("\n\n".join(robot.texts()))
            self.assertEqual(list(self.heard(kind)), messages, kind)
            self.assertEqual((robot.wrong, robot.too_often), ([], 0), kind)
            self.assertLessEqual(robot.busiest_minute(), robots.PER_MINUTE)

    def ledger_is(self):
        found = json.loads(self.s.ctl("--json", "issues", "--all"))
        self.assertEqual([i["id"] for i in found], [i[0] for i in a_month.ISSUES])
        for issue, (name, state, level, when, due, phase, relapse_of) in zip(found, a_month.ISSUES):
            self.assertEqual((issue["state"], issue["level"], issue.get("phase"), issue.get("relapse_of")),
                             (state, level, phase, relapse_of), name)
            self.assertEqual((said(issue["found"])[:len(when)], said(issue["rectify_due"])[:len(due)]), (when, due), name)

    def report_is(self, kind, first, end, counts, listed, relapses):
        last = datetime.fromtimestamp(at(end) / 1000, CHINA) - timedelta(days=1)
        done = harness.subprocess.run([harness.program("dustctl"), "--db", self.s.database(), "--json", "report", kind, "--from",
                                       f"{a_month.YEAR}-{first}"], capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual((report["from"], report["to"]), (at(first), at(end)), f"{kind} until {last}")
        self.assertEqual(report["counts"], counts, (kind, first))
        self.assertEqual([i["id"] for i in report["issues"]], listed, (kind, first))
        self.assertEqual(report["relapses_in_all"], relapses, (kind, first))


if __name__ == "__main__":
    harness.main()
