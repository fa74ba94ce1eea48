"""People are told: every kind of channel with a far end that checks what it gets, and far ends that misbehave."""
import json
import os
import secrets
import socket
import subprocess
import time
import unittest

import harness
import robots
import sites

SECRET = "SEC" + "0" * 63


OWN_RESOLVER = subprocess.run(["unshare", "-m", "mount", "--bind", "/dev/null", "/etc/resolv.conf"], capture_output=True).returncode == 0


class Alerts(harness.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.far = []
        self.canaries = {}

    def tearDown(self):
        super().tearDown()
        for far in self.far:
            far.close()

    def robot(self, site, kind, secret=""):
        key = self.canaries.setdefault(kind, "canary-" + secrets.token_hex(8))
        robot = robots.Robot(kind, site.dir, secret, key)
        self.far.append(robot)
        site.write(f"{kind}.secret", robot.url() + "\n")
        site.write(f"{kind}-sign.secret", secret + "\n")
        return robot

    def alert_site(self, channels, told, rate=1, more="", **named):
        """A site whose manager is told on channels; `channels` is YAML without the heads."""
        head = sites.HEAD.replace("site-manager: {title: 工地负责人, roles: [site]}",
                                  f"site-manager: {{title: 工地负责人, roles: [site], phone: '13800000000', "
                                  f"email: boss@example.org, channels: [{told}]}}")
        site = self.site(sites.BREACH_SIM, head + sites.BUS + sites.DEVICES + sites.BROKER + more + "channels:\n" + channels,
                         rate=rate, **named)
        harness.make_certificates(site.dir)
        return site

    def channel(self, kind, more=""):
        sign = f", secret_file: {{dir}}/{kind}-sign.secret" if kind in ("dingtalk", "feishu") else ""
        return f"  {kind}: {{kind: {kind}, url_file: {{dir}}/{kind}.secret{sign}, ca_file: {{dir}}/ca.crt{more}}}\n"

    def start(self, site):
        site.start_sim()
        site.start_dustd("--debug")

    def tell(self, site, person="site-manager"):
        """What each channel said: {channel: (state, why)}."""
        done = subprocess.run(harness.dustctl("--socket", f"{site.dir}/control.sock", "--json", "alert", "test",
                                              person), capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertTrue(done.stdout, done.stderr)
        return {c["channel"]: (c["state"], c.get("why")) for c in json.loads(done.stdout)["channels"]}

    def of(self, site, channel):
        return next(c for c in site.status()["alerts"] if c["name"] == channel)

    def body(self, row):
        return json.loads(row["body"]) if isinstance(row["body"], str) else row["body"]

    def ask(self, site):
        """A test whose answer nobody waits for."""
        before = len(site.export_live("alert"))
        process = subprocess.Popen(harness.dustctl("--socket", f"{site.dir}/control.sock", "alert", "test",
                                                   "site-manager"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.wait_for("the row", lambda: len(site.export_live("alert")) > before)
        harness.end_as_root(process)


class AlertsEverywhere(Alerts):
    def test_a_test_reaches_every_kind_of_channel_and_no_secret_is_written_anywhere(self):
        password = self.canaries["smtp"] = "canary-" + secrets.token_hex(8)
        channels = (self.channel("wecom", ", mention: true") + self.channel("dingtalk") + self.channel("feishu") + self.channel("webhook") +
                    "  post: {kind: smtp, host: 127.0.0.1, port: MAILPORT, from: dustd@example.org, username: gateway, "
                    "password_file: {dir}/mail.secret, ca_file: {dir}/ca.crt}\n  screen: {kind: mqtt, broker: local}\n")
        site = self.alert_site(channels, "wecom, dingtalk, feishu, webhook, post, screen")
        site.write("mail.secret", password + "\n")
        far = {kind: self.robot(site, kind, SECRET if kind in ("dingtalk", "feishu") else "")
               for kind in ("wecom", "dingtalk", "feishu", "webhook")}
        mail = robots.Mail(site.dir, "gateway", password)
        self.far.append(mail)
        with open(site.config_file) as f:
            text = f.read()
        site.write("dustd.yaml", text.replace("MAILPORT", str(mail.port)))
        watcher = site.watcher()
        self.start(site)
        harness.wait_for("the broker", lambda: site.status()["mqtt"][0]["connected"])
        self.assertEqual(self.tell(site), {name: ("taken", None) for name in
                                                 ("wecom", "dingtalk", "feishu", "webhook", "post", "screen")})
        for kind, robot in far.items():
            self.assertEqual((len(robot.messages), robot.wrong), (1, []), kind)
            self.assertIn("【模拟】【一般】示例工地：测试", robot.texts()[0])
            self.assertIn("工地负责人", robot.texts()[0])
        self.assertEqual(far["wecom"].messages[0]["text"]["mentioned_mobile_list"], ["13800000000"])
        self.assertNotIn("13800000000", json.dumps([far[k].messages for k in ("dingtalk", "feishu", "webhook")]))
        to, subject, said = mail.texts()[0]
        self.assertIn("<boss@example.org>", to[0])
        self.assertEqual(subject, "【模拟】【一般】示例工地：测试提醒（无需处理）")
        self.assertEqual(said.replace("\r\n", "\n"), far["dingtalk"].texts()[0])
        told = harness.wait_for("the topic", lambda: watcher.messages("/alert/site-manager"))
        self.assertFalse(told[0][0], "an alert is not retained")
        self.assertEqual(told[0][2]["text"], said.replace("\r\n", "\n"))
        row = site.export_live("alert")
        self.assertEqual(told[0][2]["rows"], [row[0]["seq"]])
        harness.wait_for("an alerted row for each channel", lambda: len(site.export_live("alerted")) == 6)
        self.no_secret(site)

    def test_a_breach_is_told_to_who_answers_for_it_and_what_was_told_is_in_the_journal(self):
        escalation = ("escalation:\n  found: {when: found, title: {zh: 发现问题, en: Found}, tell: [responsible]}\n"
                      "limits:\n  shanxi-taiyuan: {person: site-manager}\n")
        site = self.alert_site(self.channel("wecom"), "wecom", rate=60, start="2026-03-05T09:55:00+08:00", more=escalation)
        robot = self.robot(site, "wecom")
        self.start(site)
        harness.wait_for("the message", lambda: robot.messages)
        alert = site.export_live("alert")[0]
        for part in ("【模拟】【", "示例工地：发现问题：", alert["subject"], "工地负责人"):
            self.assertIn(part, robot.texts()[0])
        row = self.body(harness.wait_for("the row", lambda: site.export_live("alerted"))[0])
        self.assertEqual((row["subject"], row["channel"], row["ok"]), ("site-manager", "wecom", True))
        self.assertEqual(row["rows"], [alert["seq"]])

    def no_secret(self, site):
        found = {"print": site.run_dustd("--print"), "check": site.run_dustd("--check"), "status": site.ctl("status"),
                 "json": site.ctl("--json", "status"), "alert": site.ctl("alert"), "export": site.ctl("export", "--rows"),
                 "metrics": site.ctl("metrics")}
        found = site.everything_written(**found)
        self.assertIn(b"url_file", found["print"])
        for canary in [*self.canaries.values(), SECRET]:
            for name, content in found.items():
                self.assertNotIn(canary.encode(), content, f"{name} has a secret in it")


class AlertsInTrouble(Alerts):
    def test_a_robot_that_answers_200_with_an_error_is_tried_three_times_and_given_up_with_its_reason(self):
        site = self.alert_site(self.channel("dingtalk"), "dingtalk")
        robot = self.robot(site, "dingtalk", SECRET)
        robot.mode = "error"
        self.start(site)
        self.assertEqual(self.tell(site), {"dingtalk": ("refused", "310000: keywords")})
        self.assertEqual(robot.tries, 3)
        row = harness.wait_for("the row", lambda: site.export_live("alerted"))[0]
        self.assertIn("310000: keywords", json.dumps(row))
        self.assertIn({"what": "alerts_not_taken", "about": "dingtalk"}, site.status()["warnings"])
        self.assertIn("310000: keywords", site.ctl("status"))
        robot.mode = "ok"
        harness.wait_for("the next one to be taken", lambda: self.tell(site) == {"dingtalk": ("taken", None)})
        self.assertNotIn({"what": "alerts_not_taken", "about": "dingtalk"}, site.status()["warnings"])

    def test_a_robot_that_floods_or_redirects_or_is_busy_is_cut_off_said_and_tried_again(self):
        site = self.alert_site(self.channel("webhook"), "webhook")
        robot = self.robot(site, "webhook")
        self.start(site)
        rss = site.status()["process"]["rss_bytes"]
        for mode, why in (("flood", "its answer is longer than 64 kB"), ("busy", "HTTP 503"),
                          ("redirect", "HTTP 302: sends us elsewhere, which is not followed")):
            robot.mode, tries = mode, robot.tries
            self.ask(site)
            harness.wait_for(mode, lambda: self.of(site, "webhook").get("why") == why)
            self.assertEqual(robot.messages, [])
            self.assertGreaterEqual(robot.tries, tries + 1)
        self.assertTrue(robot.held.is_set(), "the flood was read to its end")
        if not harness.SANITIZED:
            self.assertLess(site.status()["process"]["rss_bytes"] - rss, 8e6)
        robot.mode = "ok"
        harness.wait_for("what waited to be taken", lambda: robot.messages)
        harness.wait_for("nothing to wait", lambda: self.of(site, "webhook")["waiting"] == 0)

    def test_a_robot_that_hangs_holds_neither_others_nor_the_stop(self):
        site = self.alert_site(self.channel("webhook") + self.channel("feishu"), "webhook, feishu")
        hanging, well = self.robot(site, "webhook"), self.robot(site, "feishu", SECRET)
        hanging.mode = "hang"
        self.start(site)
        self.ask(site)
        harness.wait_for("the other one to be told", lambda: well.messages)
        harness.wait_for("the one that hangs", lambda: hanging.tries)
        since = time.monotonic()
        self.assertEqual(site.dustd.stop(), 0)
        self.assertLess(time.monotonic() - since, 4 * 3)
        hanging.mode = "ok"
        hanging.held.set()
        site.start_dustd()
        harness.wait_for("what the restart found untold to be told", lambda: hanging.messages)
        self.assertEqual(len(well.messages), 1, "what was taken before the restart is not told again")

    @unittest.skipUnless(OWN_RESOLVER, "needs a mount namespace of its own")
    def test_a_name_server_that_hangs_holds_neither_the_other_channels_nor_measuring_nor_the_stop(self):
        site = self.alert_site(self.channel("webhook") + self.channel("feishu"), "webhook, feishu", more="clock: {require_sync: false}\n")
        well = self.robot(site, "feishu", SECRET)
        self.robot(site, "webhook")
        site.write("webhook.secret", "https://robot.example.org/hook\n")
        address = f"127.{os.getpid() >> 8 & 255}.{os.getpid() & 255}.53"  # its own: tests run side by side
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind((address, 53))  # asked, and never answers
            site.write("resolv.conf", f"nameserver {address}\noptions timeout:30 attempts:5\n")
            site.simulated = False  # a simulated site alerts on loopback only, and asks no name server
            site.wrap = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', f"{site.dir}/resolv.conf"]
            self.start(site)
            self.ask(site)
            harness.wait_for("the other one to be told", lambda: well.messages)
            server.settimeout(harness.PATIENCE)
            self.assertIn(b"robot", server.recv(512))
            answers = site.status()["buses"][0]["answers"]
            harness.wait_for("readings to go on", lambda: site.status()["buses"][0]["answers"] > answers + 2)
            self.assertEqual(self.of(site, "webhook")["waiting"], 1)
            why = harness.wait_for("the limit of the connection", lambda: self.of(site, "webhook").get("why"))
            self.assertRegex(why, "(?i)time")
            self.ask(site)
            since = time.monotonic()
            self.assertEqual(site.dustd.stop(), 0)
            self.assertLess(time.monotonic() - since, 4 * 3)

    def test_a_certificate_of_somebody_else_is_not_trusted(self):
        site = self.alert_site(self.channel("wecom").replace(", ca_file: {dir}/ca.crt", ""), "wecom")
        robot = self.robot(site, "wecom")
        self.start(site)
        self.ask(site)
        said = harness.wait_for("the reason", lambda: self.of(site, "wecom").get("why"))
        self.assertIn("certificate", said)
        self.assertEqual(robot.tries, 0)

    def test_a_missing_or_wrong_secret_is_said_by_its_file_and_mended_without_a_restart(self):
        site = self.alert_site(self.channel("dingtalk"), "dingtalk")
        robot = self.robot(site, "dingtalk", SECRET)
        os.remove(os.path.join(site.dir, "dingtalk.secret"))
        self.start(site)
        self.ask(site)
        why = harness.wait_for("the reason", lambda: self.of(site, "dingtalk").get("why"))
        self.assertIn("dingtalk.secret: No such file", why)
        site.write("dingtalk.secret", "http://127.0.0.1:1/plain\n")
        harness.wait_for("the scheme", lambda: "https://" in self.of(site, "dingtalk").get("why", ""))
        site.write("dingtalk.secret", robot.url() + "\n")
        harness.wait_for("the message", lambda: robot.messages)
        self.assertEqual(robot.wrong, [])

    def test_more_than_fifteen_alerts_a_minute_are_merged_and_none_is_left_out(self):
        site = self.alert_site(self.channel("wecom"), "wecom")
        robot = self.robot(site, "wecom")
        self.start(site)
        for _ in range(25):
            self.ask(site)
        harness.wait_for("all rows", lambda: len(site.export_live("alert")) >= 20)
        harness.wait_for("nothing to wait", lambda: self.of(site, "wecom")["waiting"] == 0, patience=180)
        told = [row for r in site.export_live("alerted") for row in self.body(r)["rows"]]
        self.assertEqual(sorted(told), [r["seq"] for r in site.export_live("alert")])
        self.assertLessEqual(robot.busiest_minute(), robots.PER_MINUTE)
        self.assertTrue(any("汇总" in t for t in robot.texts()))


class AlertsReloaded(Alerts):
    def test_a_reload_starts_a_changed_channel_anew_and_leaves_the_others_and_what_waits(self):
        site = self.alert_site(self.channel("wecom") + self.channel("webhook"), "wecom, webhook")
        kept, moved = self.robot(site, "wecom"), self.robot(site, "webhook")
        kept.mode = "hang"
        moved.mode = "busy"
        self.start(site)
        threads = site.status()["process"]["threads"]
        self.ask(site)
        harness.wait_for("both to be tried", lambda: kept.tries and moved.tries)
        other = self.robot(site, "webhook")
        os.rename(os.path.join(site.dir, "webhook.secret"), os.path.join(site.dir, "other.secret"))
        with open(site.config_file) as f:
            text = f.read()
        with open(site.config_file, "w") as f:
            f.write(text.replace("webhook.secret", "other.secret"))
        site.ctl("reload")
        harness.wait_for("what waited to reach the new address", lambda: other.messages)
        self.assertEqual(kept.tries, 1, "the one that was not changed was interrupted")
        kept.mode = "ok"
        kept.held.set()
        harness.wait_for("the same number of threads", lambda: site.status()["process"]["threads"] <= threads + 1)


if __name__ == "__main__":
    harness.main()
