"""The main job, whole: a breach on a simulated serial line becomes an issue in the ledger and a message at the broker."""
import json
import os
import signal
import subprocess

import harness
import independent
import sites


class Thread(harness.ScenarioTest):
    def started(self, **named):
        site = self.site(sites.BREACH_SIM, sites.BREACH, rate=600, start="2026-03-05T09:50:00+08:00", **named)
        site.seen = site.watcher()
        site.start_sim()
        site.start_dustd()
        return site

    def breach(self, site):
        return harness.wait_for("an issue", lambda: json.loads(site.ctl("--json", "issues")), 120)

    def test_a_breach_becomes_an_issue_in_the_ledger_and_a_retained_message(self):
        site = self.started()
        issue = self.breach(site)[0]
        self.assertRegex(issue["id"], r"^LQ-2026-\d{4}$")
        topic = f"dust/1/example/issue/{issue['id']}"
        harness.wait_for("the message", lambda: [m for m in site.seen.messages("/issue/") if m[1] == topic])
        late = site.watcher(topic, "late")
        retained = harness.wait_for("the retained message", late.messages)
        self.assertTrue(retained[0][0], "is marked as retained")
        self.assertEqual(retained[0][2]["id"], issue["id"])

    def test_the_broker_may_stop_and_start_and_nothing_is_lost(self):
        site = self.started()
        harness.wait_for("rows at the broker", lambda: len(site.seen.rows()) > 5)
        site.broker.stop()
        before = site.status()["seq"]
        harness.wait_for("rows while the broker is away", lambda: site.status()["seq"] > before + 3)
        site.broker.start()
        harness.wait_for("the backlog", lambda: site.seen.rows() and
                         site.seen.rows()[-1][0] > before + 3)
        order = []
        for seq, _ in site.seen.rows():
            if seq not in order:
                order.append(seq)
        self.assertEqual(order, list(range(1, len(order) + 1)))

    def test_sigterm_ends_it_with_0_and_everything_is_exported(self):
        site = self.started()
        answered = lambda: [p for p in site.sim_polls() if p.get("unit_id") == 1 and p.get("outcome") == "answer"]
        harness.wait_for("some minutes", lambda: len(site.export_live("minute")) > 1 and len(answered()) > 5)
        self.assertEqual(site.dustd.stop(), 0)
        rows, samples = site.export()
        self.assertTrue(independent.chain_is_whole(rows))
        self.assertEqual(json.loads(rows[-1]["body"])["kind"], "stop")
        kept = sum(s["point"] == "meter/pm10" for s in samples)
        self.assertLessEqual(len(answered()) - kept, 1)  # the last may be on its way when it is told to stop

    def test_a_person_leads_the_issue_to_its_end(self):
        site = self.started()
        issue = self.breach(site)[0]["id"]
        for by, verb, text in (("inspector", "confirm", "现场核实"), ("community", "assign", ""),
                               ("site-manager", "accept", ""), ("site-manager", "answer", "已停止土方作业,开启雾炮"),
                               ("site-manager", "rectify", "覆盖裸土,洒水"), ("community", "close", "复查合格")):
            args = ["issue", issue, verb] + ([text] if text else [])
            if verb == "assign":
                args += ["--person", "site-manager"]
            site.ctl(*args, "--as", by)
        shown = json.loads(site.ctl("--json", "issue", issue))
        self.assertEqual(shown["state"], "closed")
        self.assertIn("销号", site.ctl("issue", issue))

    def test_the_responsible_unit_cannot_close_a_finding_against_itself(self):
        site = self.started()
        issue = self.breach(site)[0]["id"]
        with self.assertRaises(AssertionError):
            site.ctl("issue", issue, "dismiss", "不是我们", "--as", "site-manager")
        self.assertEqual(json.loads(site.ctl("--json", "issue", issue))["state"], "found")


if __name__ == "__main__":
    harness.main()
