"""What falls due by the calendar, as people see it: dustctl tasks, the topic task, an alert, and the finding when an
inspection was missed; with all programs, and over a kill."""
import json
import subprocess
import unittest

import harness
import sites
from harness import wait_for

STEPS = """
requirements: {file: six, person: site-manager}
escalation:
  found: {when: found, title: {zh: 发现问题, en: Found}, tell: [responsible]}
inspections:
  weekly: {title: {zh: 一周一检查, en: Weekly inspection}, checks: [hardening/weekly, covering/weekly], person: community}
"""
CONFIG = sites.BREACH + STEPS
CERTIFIED = CONFIG.replace("period: 10s}", "period: 10s, calibration_due: 2026-05-20}")


class Tasks(harness.ScenarioTest):
    def start(self, config, start, rate):
        site = self.site(sites.BREACH_SIM, config, rate=rate, start=start)
        site.start_sim()
        site.start_dustd()
        return site

    def again(self, site, start):
        """A kill, and a start at that time."""
        site.dustd.kill()
        site.start_dustd(clock=["--clock-rate", "1", "--clock-start", start])

    def tasks(self, site):
        return json.loads(site.ctl("--json", "tasks"))

    def test_a_week_s_inspection_is_done_by_dustctl_inspect_and_shown_in_both_languages(self):
        site = self.start(CERTIFIED, "2026-04-30T08:00+08:00", 1)  # a Thursday
        watcher = site.watcher()
        due = wait_for("the tasks", lambda: self.tasks(site))
        self.assertEqual([(t["id"], t["state"], t["light"]) for t in due],
                         [("weekly-2026-05-01", "due", "green"), ("certificate-meter-2026-05-20", "due", "green")])
        self.assertEqual([c["check"] for c in due[0]["checks"]], ["hardening/weekly", "covering/weekly"])
        for language, words in (("zh", ("一周一检查", "待办", "未查", "检定证书到期：一号扬尘仪")),
                                ("en", ("Weekly inspection", "to do", "not yet", "Certificate ends: Dust meter 1"))):
            shown = site.ctl("--lang", language, "tasks")
            for word in words:
                self.assertIn(word, shown)
        site.ctl("inspect", "hardening/weekly", "100", "--as", "inspector")
        self.assertIn("已查", wait_for("the first look", lambda: (lambda s: s if "已查" in s else "")(site.ctl("tasks"))))
        self.assertEqual(self.tasks(site)[0]["state"], "due")
        site.ctl("inspect", "covering/weekly", "80", "--as", "inspector")
        wait_for("the task to be done", lambda: self.tasks(site)[0]["state"] == "done")
        wait_for("the topic to say so",
                 lambda: [m for m in watcher.messages("/task") if m[2]["tasks"][0]["state"] == "done"])
        self.assertEqual([json.loads(r["body"])["step"] for r in site.export_live("task")], ["due", "due", "done"])
        live = self.tasks(site)
        self.assertEqual(site.dustd.stop(), 0)
        copy = [harness.program("dustctl"), "--db", site.database(), "tasks"]
        done = subprocess.run([*copy, "--json"], capture_output=True, text=True, timeout=harness.PATIENCE, check=True)
        self.assertEqual(json.loads(done.stdout), [{k: v for k, v in t.items() if k != "checks"} for t in live])
        done = subprocess.run([*copy, "--lang", "en"], capture_output=True, text=True, timeout=harness.PATIENCE, check=True)
        self.assertIn("Certificate ends: Dust meter 1", done.stdout)

    def test_a_missed_one_is_reminded_of_and_becomes_an_issue_once_also_when_the_daemon_is_killed(self):
        site = self.start(CONFIG, "2026-05-01T12:00+08:00", 1)
        wait_for("the reminder", lambda: [r for r in site.export_live("alert") if '"step":"task"' in r["body"]])
        for later in ("12:01", "12:02"):
            self.again(site, f"2026-05-01T{later}+08:00")
        self.again(site, "2026-05-02T00:01+08:00")
        wait_for("the next week's", lambda: [t for t in self.tasks(site) if t["id"] == "weekly-2026-05-08"])
        self.again(site, "2026-05-02T00:02+08:00")
        wait_for("the tasks", lambda: self.tasks(site))
        self.assertEqual([t["state"] for t in self.tasks(site)], ["missed", "due"])
        issue = json.loads(site.ctl("--json", "issues"))[0]
        self.assertEqual((issue["kind"], issue["subject"], issue["person"]), ("task", "weekly", "community"))
        alerts = [json.loads(r["body"]) for r in site.export_live("alert")]
        self.assertEqual([(a["step"], a["to"]) for a in alerts],
                         [("task", ["community", "office", "inspector"]), ("found", ["community"])])
        self.assertEqual([json.loads(r["body"])["step"] for r in site.export_live("task")], ["due", "missed", "due"])


if __name__ == "__main__":
    harness.main()
