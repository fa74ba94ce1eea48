"""What people ask for over MQTT: each in his own name, once, and nobody in another's; refused in words; bounded."""
import json
import os
import signal
import subprocess

import harness
import people
from harness import wait_for

NOT_AUTHORIZED = "RC:135"  # of MQTT 5, as mosquitto_pub says it


class Commands(people.PeopleTest):
    def found(self, place="大门外 50 米", **members):
        return self.does("zhao", "issue.open", category="road", place=place, text="道路积尘", way="unannounced",
                         person="site-manager", **members)

    def test_a_finding_is_led_from_an_unannounced_check_to_its_end_over_mqtt_alone(self):
        s = self.start()
        issue = self.found()
        name = issue["id"]
        self.assertEqual((issue["state"], issue["way_zh"], issue["cause"]), ("confirmed", "暗访", "大门外 50 米"))
        for user, do, members, state in (("wang", "issue.assign", {"due": s.status()["now"] + 86400000}, "assigned"),
                                         ("li.manager", "issue.accept", {}, "working"),
                                         ("li.manager", "issue.answer", {"text": "已停工"}, "working"),
                                         ("li.manager", "issue.rectify", {"text": "已清扫"}, "review"),
                                         ("zhao", "issue.inspect", {"text": "现场已复查"}, "review"),
                                         ("wang", "issue.close", {"text": "复核合格"}, "closed")):
            self.assertEqual(self.does(user, do, issue=name, **members)["state"], state, do)
        steps = [json.loads(row["body"]) for row in s.export_live("issue")]
        self.assertEqual([step["by"] for step in steps],
                         ["inspector", "office", "site-manager", "site-manager", "site-manager", "inspector", "office"])
        self.assertFalse(any("as_root" in step for step in steps))
        commands = [json.loads(row["body"]) for row in s.export_live("command")]
        seqs = [row["seq"] for row in s.export_live("issue")]
        self.assertEqual([(c["subject"], c["user"], c["do"]) for c in commands][:2],
                         [("inspector", "zhao", "issue.open"), ("office", "wang", "issue.assign")])
        self.assertEqual([c["row"] for c in commands], seqs)
        wait_for("the issue at the broker", lambda: any(
            m and m["state"] == "closed" for _, _, m in self.watcher.messages(f"issue/{name}")))
        self.assertEqual(s.status()["commands"], {"waiting": 0, "carried_out": 7, "refused": 0, "unanswered": 0})

    def test_what_people_tell_of_the_site_becomes_a_row_in_their_name(self):
        s = self.start()
        now = s.status()["now"]
        for user, do, kind, members in (("wang", "stage", "stage", {"stage": "earthwork", "reason": "进场开挖"}),
                                        ("wang", "calendar", "calendar", {"what": "work", "to": now + 3600000}),
                                        ("wang", "warning", "warning", {"level": "orange", "from": now - 60000}),
                                        ("li.manager", "maintain", "maintenance",
                                         {"device": "meter", "what": "calibration", "to": now + 600000}),
                                        ("zhao", "inspect", "inspection", {"about": "cover/look", "value": 90}),
                                        ("zhao", "event.passage", "passage", {"direction": "out", "plate": "晋J12345"})):
            self.does(user, do, **members)
            rows = [json.loads(row["body"]) for row in s.export_live(kind)]
            self.assertEqual([(row["by"], row["id"]) for row in rows],
                             [({"wang": "office", "zhao": "inspector", "li.manager": "site-manager"}[user], f"c{self.sent}")], do)
        self.assertNotIn("晋J12345", s.export_live("passage")[0]["body"])
        self.assertIn("community, office", self.refused("zhao", "stage", stage="earthwork"))

    def test_nobody_speaks_in_anothers_name(self):
        s = self.start()
        name = self.found()["id"]
        forged = self.command("issue.dismiss", issue=name, text="看错了")
        self.assertIn(NOT_AUTHORIZED, self.publish("wang", json.dumps(forged), as_user="li.manager"))
        self.assertIn(NOT_AUTHORIZED, self.publish("wang", json.dumps(forged), as_user="nobody"))
        self.assertIn("never for the responsible unit",
                      self.refused("li.manager", "issue.dismiss", issue=name, text="看错了"))
        self.assertIn("no member \"as\"", self.refused("li.manager", "issue.dismiss", issue=name, text="t", **{"as": "office"}))
        self.assertIn("no member \"verb\"", self.refused("li.manager", "issue.note", issue=name, text="t", verb="close"))
        self.assertIn("nobody in people has this mqtt_user", self.refused("nobody", "issue.note", issue=name, text="t"))
        self.assertEqual(len(s.export_live("issue")), 1)
        denied = [json.loads(row["body"]) for row in s.export_live("denied")]
        self.assertEqual([(d["subject"], d["user"], d["did"], d["about"], "uid" in d) for d in denied],
                         [("site-manager", "li.manager", "act dismiss", name, False)])

    def test_a_reply_is_for_the_one_who_asked(self):
        self.start()
        self.found()
        self.assertEqual(self.replies("wang"), [])
        self.assertEqual(self.replies("li.manager"), [])

    def test_a_refusal_says_what_is_allowed_now(self):
        s = self.start()
        name = self.found()["id"]
        now = s.status()["now"]
        for user, do, members, why in (
                ("zhao", "issue.delete", {"issue": name}, "\"do\" must be one of: issue.open issue.confirm"),
                ("zhao", "issue.asign", {"issue": name}, "did you mean \"issue.assign\"?"),
                ("zhao", "issue.close", {"issue": name, "text": "t"}, "inspector may now: assign dismiss note photo"),
                ("zhao", "issue.assign", {"issue": name, "due": now - 1000}, "has passed"),
                ("zhao", "issue.assign", {"issue": name, "person": "nobody"}, "there is no person 'nobody'"),
                ("zhao", "issue.assign", {"issue": name, "due": "tomorrow"}, "\"due\" must be a whole number"),
                ("zhao", "issue.dismiss", {"issue": name}, "needs a text"),
                ("zhao", "issue.note", {"issue": "LQ-2026-0099", "text": "t"}, "there is no issue"),
                ("zhao", "issue.open", {"category": "roads", "place": "p", "text": "t", "way": "spot"}, "allowed: road"),
                ("wang", "stage", {"stage": "eartwork"}, "did you mean earthwork?"),
                ("wang", "issue.photo", {"issue": name}, "needs \"photo\""),
                ("wang", "reload", {}, "\"do\" must be one of")):
            with self.subTest(do=do, members=members):
                self.assertIn(why, self.refused(user, do, **members))
        self.assertEqual(len(s.export_live("issue")), 1)
        self.assertEqual(len(s.export_live("command")), 1)
        status = s.status()["commands"]
        self.assertEqual((status["carried_out"], status["refused"]), (1, 12))
        self.assertIn("must be one of", status["why"])
        self.assertIn("执行 1 条，拒绝 12 条，最近一条：", s.ctl("status"))
        self.assertIn("\ndustd_commands_refused_total 12\n", s.ctl("metrics"))

    def test_bad_input_is_refused_or_stored_as_it_is(self):
        s = self.start()
        name = self.found()["id"]
        literal = "=cmd|'/C calc'!A0 %s%n$(reboot) '); DROP TABLE rows; -- ../../x"
        self.does("wang", "issue.note", issue=name, text=literal)
        self.assertIn(literal, s.ctl("issue", name))
        self.assertIn("control character", self.refused("wang", "issue.note", issue=name, text="\x1b[31m"))
        self.assertIn("at most 1000", self.refused("wang", "issue.note", issue=name, text="x" * 2000))
        for text, why in (("x" * 13000, "longer than 12288 bytes"), ("[]", "not a JSON object"),
                          ('{"id":"a","id":"b"}', "not a JSON object"), ("{", "not a JSON object"), ("%s%n%n", "not a JSON object"),
                          ("{}", "needs an \"id\""), ('{"id":"a b"}', "needs an \"id\""), ('{"id":7}', "needs an \"id\""),
                          ('{"id":"x1"}', "needs \"expires\"")):
            before = len(self.replies("zhao"))
            self.publish("zhao", text)
            self.assertIn(why, wait_for(f"a reply to {text[:20]}", lambda: self.replies("zhao")[before:])[0]["error"])
        self.publish("zhao", "x" * 1000000)  # more than we let the broker send us
        self.assertEqual(self.does("wang", "issue.note", issue=name, text="还在")["nsteps"], 3)
        self.assertTrue(s.dustd.running())

    def test_a_retained_command_is_refused_now_and_after_each_connect(self):
        s = self.start()
        name = self.found()["id"]
        command = self.command("issue.note", issue=name, text="retained")
        self.publish("wang", json.dumps(command), "-r")
        reply = wait_for("a refusal", lambda: self.replies("wang"))[0]
        self.assertEqual((reply["id"], reply["ok"]), (command["id"], False))
        self.assertIn("retained", reply["error"])
        s.broker.stop()
        s.broker.start()
        wait_for("a second refusal", lambda: s.status()["commands"]["refused"] == 2)
        self.assertIn("retained", s.status()["commands"]["why"])
        self.assertEqual(len(s.export_live("issue")), 1)

    def test_expired_commands_and_those_from_the_future_are_refused(self):
        s = self.start()
        name = self.found()["id"]
        now = s.status()["now"]
        for expires, why in ((now - 1000, "it has expired"), (0, "it has expired"), (-2**63, "it has expired"),
                             (now + 900000, "more than 10 minutes ahead"), (2**63 - 1, "more than 10 minutes ahead"),
                             ("soon", "needs \"expires\""), (now + 0.5, "needs \"expires\"")):
            self.assertIn(why, self.refused("wang", "issue.note", issue=name, text="t", expires=expires))
        self.assertEqual(len(s.export_live("issue")), 1)

    def test_a_command_that_is_sent_again_is_carried_out_once(self):
        s = self.start()
        command = self.command("issue.open", category="road", place="料场", text="裸土", way="spot")
        first = self.send("zhao", command)
        again = self.send("zhao", command)
        self.assertEqual((first["ok"], again["ok"], again["repeats"]), (True, False, first["seq"]))
        self.assertIn("repeated", again["error"])
        self.assertEqual(len(s.export_live("issue")), 1)

    def test_a_crash_between_the_row_and_the_reply_repeats_nothing(self):
        s = self.start(continuous=True)
        command = self.command("issue.open", category="road", place="料场", text="裸土", way="spot")
        self.publish("zhao", json.dumps(command))
        wait_for("the step on the disk", lambda: s.export_live("issue"))
        s.dustd.kill()
        s.start_dustd()
        self.becomes("closed")
        again = self.send("zhao", command)
        self.assertIn("repeated", again["error"])
        steps = s.export_live("issue")
        self.assertEqual((len(steps), again["repeats"]), (1, steps[0]["seq"]))

    def test_what_was_sent_while_the_daemon_was_away_is_carried_out_once_or_has_expired(self):
        s = self.start(continuous=True)
        name = self.found()["id"]
        kept = self.command("issue.note", issue=name, text="夜里发的")
        over = self.command("issue.note", issue=name, text="太晚了", expires=s.status()["now"] + 1)
        for ending in (signal.SIGTERM, signal.SIGKILL):
            s.dustd.stop(ending)
            self.publish("wang", json.dumps(kept))
            self.publish("zhao", json.dumps(over))
            s.start_dustd()
            self.becomes("closed")
            wait_for("both to be answered", lambda: self.replies("wang", lambda r: r["id"] == kept["id"]) and
                     self.replies("zhao", lambda r: r["id"] == over["id"]))
        notes = [json.loads(row["body"]) for row in s.export_live("issue")][1:]
        self.assertEqual([(note["by"], note["text"]) for note in notes], [("office", "夜里发的")])
        wait_for("a second answer", lambda: len(self.replies("wang", lambda r: r["id"] == kept["id"])) == 2)
        self.assertEqual([r["ok"] for r in self.replies("wang", lambda r: r["id"] == kept["id"])], [True, False])
        self.assertTrue(all("expired" in r["error"] for r in self.replies("zhao", lambda r: r["id"] == over["id"])))

    def test_where_anybody_may_write_below_cmd_nothing_is_carried_out_until_it_is_mended(self):
        s = self.start(broker=people.everybody, state="open")
        refused = self.refused("zhao", "issue.open", category="road", place="p", text="t", way="spot")
        self.assertIn("its ACL lets anybody write below cmd/", refused)
        status = s.status()
        self.assertIn({"what": "commands_refused", "about": "local"}, status["warnings"])
        self.assertIn("keep each user to his own topic", status["mqtt"][0]["commands_why"])
        with open(os.path.join(s.dir, "acl"), "w") as out:
            out.write(people.ACL)
        s.broker.stop()
        s.broker.start()
        self.becomes("closed")
        self.watch("after")
        self.found()
        self.assertEqual(s.status()["warnings"], [w for w in s.status()["warnings"] if w["what"] != "commands_refused"])

    def test_commands_go_over_tls_too(self):
        port = harness.free_port()
        tls = lambda folder: people.apart(folder) + f"listener {port} 127.0.0.1\n" + harness.make_certificates(folder)
        self.start(broker=tls, config=people.CONFIG.replace("port: {port}", f"port: {port}, ca_file: {{dir}}/ca.crt"))
        self.assertEqual(self.found()["state"], "confirmed")

    def test_a_broker_of_3_1_1_is_commanded_too(self):
        self.start(config=people.CONFIG.replace("port: {port}", "port: {port}, version: 3.1.1"))
        self.assertEqual(self.found()["state"], "confirmed")

    def test_a_line_that_others_may_read_takes_no_commands(self):
        s = self.start()
        for host, why in (("10.0.0.7", "found commands over a line without TLS to 10.0.0.7; allowed: with ca_file, or from a broker"),
                          ("localhost.example.org", "found commands over a line without TLS")):
            s.write("bad.yaml", people.CONFIG.replace("host: 127.0.0.1", f"host: {host}"))
            s.config_file, was = os.path.join(s.dir, "bad.yaml"), s.config_file
            code, _, err = s.run_dustd("--check")
            s.config_file = was
            self.assertEqual(code, 78)
            self.assertIn(why, err)

    def test_ten_thousand_commands_displace_no_poll_and_no_memory(self):
        s = self.start()
        self.found()
        n = 10000 if harness.STORM else 1500
        before = s.status()
        template = self.command("issue.note", issue="LQ-2026-0001", text="x" * 900)
        lines = "".join(json.dumps({**template, "id": f"storm{i}"}) + "\n" for i in range(n))
        self.publish_lines("zhao", lines)
        done = lambda: (lambda c: c["carried_out"] + c["refused"] - 1 >= n and not c["waiting"])(s.status()["commands"])
        wait_for("all of them to be looked at", done, harness.PATIENCE * 4)
        status = s.status()
        self.assertEqual(status["lost"], before["lost"])
        self.assertEqual({q["refused"] for q in status["queues"] if q["name"].startswith("bus/")}, {0})
        if not harness.SANITIZED:  # a sanitizer keeps what was freed
            self.assertLess(status["process"]["rss_bytes"] - before["process"]["rss_bytes"], 8e6)
        carried = status["commands"]["carried_out"]
        self.assertEqual(len(s.export_live("command")), carried)
        self.assertEqual(len(s.export_live("issue")), carried)
        self.assertLess(carried, n)
        note = self.command("issue.note", issue="LQ-2026-0001", text="还在")
        self.assertTrue(self.send("wang", note)["ok"])  # another one is not kept waiting by it

    def publish_lines(self, user, lines):
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.s.broker.port), "-V", "mqttv5", "-q", "1", "-l",
                        "-u", user, "-P", f"secret of {user}", "-t", f"dust/1/example/cmd/{user}"], input=lines, text=True,
                       check=True, timeout=harness.PATIENCE * 4)


if __name__ == "__main__":
    harness.main()
