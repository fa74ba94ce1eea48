"""What does not come over Modbus: over MQTT and by dustctl, into rows; refused in words; once, however often it comes."""
import json
import os
import subprocess
import unittest

import harness
import sites
from harness import wait_for

CONFIG = (sites.BREACH.replace("port: {port}", "port: {port}, inputs: true") + """
sources:
  gate: {title: {zh: 大门摄像机, en: Gate camera}, kinds: [alive, passage, camera]}
  phone: {kinds: [inspection, stage], person: community}
  stranger: {kinds: [inspection]}
""")


class Inputs(harness.ScenarioTest):
    def start(self):
        site = self.site(sites.BREACH_SIM, CONFIG, rate=1, start="2026-05-01T08:00+08:00")
        site.start_sim()
        site.start_dustd()
        self.watcher = site.watcher()
        wait_for("the broker to be connected", lambda: site.status()["mqtt"][0]["connected"])
        return site

    def publish(self, site, topic, message):
        text = message if isinstance(message, str) else json.dumps(message)
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(site.broker.port), "-q", "1", "-t",
                        f"dust/1/example/in/{topic}", "-m", text], check=True, timeout=harness.PATIENCE)

    def reply(self, source, which):
        found = [m for m in self.watcher.messages(f"reply/{source}") if which(m[2])]
        return found[-1][2] if found else None

    def told(self, site, topic, message):
        """What the source is told of a message with an id."""
        self.publish(site, topic, message)
        source = topic.split("/")[1]
        return wait_for(f"a reply to {message}", lambda: self.reply(source, lambda r: r.get("id") == message["id"]))

    def now(self, site):
        return site.status()["now"]

    def test_a_message_becomes_a_row_once_and_a_wrong_one_is_told_why(self):
        site = self.start()
        now = self.now(site)
        passage = {"id": "p1", "at": now - 5000, "direction": "out", "plate": "晋J12345", "wash_s": 130}
        said = self.told(site, "passage/gate", passage)
        self.assertTrue(said["ok"], said)
        self.publish(site, "passage/gate", passage)
        wait_for("the duplicate to be known", lambda: self.reply("gate", lambda r: r.get("duplicate")))
        rows = site.export_live("passage")
        self.assertEqual([row["seq"] for row in rows], [said["seq"]])
        body = json.loads(rows[0]["body"])
        self.assertEqual((body["source"], body["by"], body["id"], body["at"], body["wash_s"]),
                         ("gate", "gate", "p1", now - 5000, 130))
        self.assertNotIn("12345", rows[0]["body"])
        self.assertIn("晋J1***5", rows[0]["body"])
        for topic, message, why in (
                ("passage/gate", {"id": "p" * 70, "at": now, "direction": "out"}, '"id" must be a text of 1 to'),
                ("passage/gate", {"id": "p2", "at": now + 3600000, "direction": "out"}, "is in the future"),
                ("passage/gate", {"id": "p3", "at": now, "direction": "up"}, "must be one of in out"),
                ("alive/gate", {"id": "p4", "from": now, "to": now - 1}, "ends before it begins"),
                ("warning/gate", {"id": "p5", "from": now, "level": "red"}, "no source of this kind"),
                ("inspection/stranger", {"id": "p6", "at": now, "about": "covering/weekly", "value": 100}, "a person's word")):
            with self.subTest(why):
                said = self.told(site, topic, message)
                self.assertFalse(said["ok"])
                self.assertIn(why, said["error"])
        for message, why in (("{not json", "not JSON"), ({"id": 7, "at": now, "direction": "out"}, 'needs an "id"'),
                             ({"at": now, "direction": "out"}, 'needs an "id"')):
            with self.subTest(why):
                self.publish(site, "passage/gate", message)
                wait_for("a reply without id", lambda: self.reply("gate", lambda r: why in r.get("error", "") and "id" not in r))
        self.assertEqual(len(site.export_live("passage")), 1)

    def test_what_is_taken_and_looks_odd_is_said_in_the_reply(self):
        site = self.start()
        now = self.now(site)
        said = self.told(site, "passage/gate", {"id": "p1", "at": now, "direction": "out", "plate": "无牌车"})
        self.assertTrue(said["ok"], said)
        self.assertIn("does not look like a number plate", said["note"])
        said = self.told(site, "inspection/phone", {"id": "i1", "at": now, "about": "hardening/weekli", "value": 100})
        self.assertIn('no check of this site is called "hardening/weekli"', said["note"])
        shown = site.ctl("--lang", "en", "event", "passage", "out", "unknown", "--as", "inspector")
        self.assertIn("note: ", shown)
        self.assertIn("does not look like a number plate", shown)

    def test_a_flood_is_answered_message_by_message_and_slowed_down(self):
        site = self.start()
        now, count = self.now(site), 240
        lines = "".join(json.dumps({"id": f"f{i}", "at": now, "direction": "in"}) + "\n" for i in range(count))
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(site.broker.port), "-q", "1", "-l", "-t",
                        "dust/1/example/in/passage/gate"], input=lines, text=True, check=True, timeout=harness.PATIENCE)

        def answered():
            told = {m["id"]: m for _, _, m in self.watcher.messages("reply/gate")}
            return told if len(told) == count else None

        told = wait_for(f"{count} answers", answered)
        taken = [m for m in told.values() if m["ok"]]
        self.assertGreaterEqual(len(taken), 200)
        self.assertTrue(all(m["error"].startswith("busy") for m in told.values() if not m["ok"]))
        self.assertEqual(len(site.export_live("passage")), len(taken))

    def test_a_source_in_a_persons_name_has_that_persons_roles(self):
        site = self.start()
        said = self.told(site, "stage/phone", {"id": "s1", "from": self.now(site), "stage": "earthwork"})
        self.assertTrue(said["ok"], said)
        body = json.loads(site.export_live("stage")[0]["body"])
        self.assertEqual((body["source"], body["by"], body["stage"]), ("phone", "community", "earthwork"))

    def test_a_duplicate_is_known_after_a_restart_too(self):
        site = self.start()
        message = {"id": "p1", "at": self.now(site), "direction": "in"}
        first = self.told(site, "passage/gate", message)
        site.dustd.stop()
        site.start_dustd()
        wait_for("the broker to be connected", lambda: site.status()["mqtt"][0]["connected"])
        self.publish(site, "passage/gate", message)
        wait_for("the duplicate to be known", lambda: self.reply("gate", lambda r: r.get("duplicate")))
        self.assertEqual([row["seq"] for row in site.export_live("passage")], [first["seq"]])

    def test_dustctl_tells_what_a_person_may(self):
        site = self.start()
        asked = [("stage", "earthwork", "--as", "office", "--reason", "进场开挖"),
                 ("calendar", "holiday", "--from", "now", "--to", "2026-05-06", "--as", "community"),
                 ("warning", "orange", "--as", "office", "--id", "w1"),
                 ("maintain", "meter", "calibration", "--to", "09:30", "--as", "site-manager"),
                 ("inspect", "hardening/weekly", "100", "全部硬化", "--as", "inspector"),
                 ("event", "passage", "out", "晋J12345", "--from", "-10m", "--as", "inspector"),
                 ("event", "camera", "soil", "7.5", "--as", "community"),
                 ("event", "background", "pm10", "96", "--from", "07:00", "--to", "08:00", "--as", "office")]
        for words in asked:
            with self.subTest(words):
                self.assertIn("第", site.ctl(*words))
        self.assertIn("此前已登记", site.ctl("warning", "orange", "--as", "office", "--id", "w1"))
        kinds = {"stage": "office", "calendar": "community", "warning": "office", "maintenance": "site-manager",
                 "inspection": "inspector", "passage": "inspector", "camera": "community", "background": "office"}
        for kind, by in kinds.items():
            rows = site.export_live(kind)
            self.assertEqual(len(rows), 1, kind)
            body = json.loads(rows[0]["body"])
            self.assertEqual((body["by"], body["as_root"]), (by, True), kind)
        self.assertEqual(json.loads(site.export_live("stage")[0]["body"])["reason"], "进场开挖")

    def test_dustctl_is_refused_what_a_person_may_not_or_what_is_wrong(self):
        site = self.start()
        for words, why in (
                (("stage", "suspended", "--as", "site-manager"), "that is for community, office"),
                (("calendar", "suspended", "--from", "now", "--to", "20:00", "--as", "inspector"), "for community, office"),
                (("event", "passage", "out", "--as", "site-manager"), "never for the responsible unit itself"),
                (("maintain", "metre", "calibration", "--to", "09:30", "--as", "office"), "there is no device metre"),
                (("maintain", "meter", "calibration", "--to", "14:30", "--as", "office"), "longer than 4h"),
                (("stage", "eartwork", "--as", "office"), "did you mean earthwork?"),
                (("stage", "earthwork"), "name one with --as")):
            with self.subTest(words):
                done = subprocess.run(harness.dustctl("--socket", os.path.join(site.dir, "control.sock"), *words),
                                      capture_output=True, text=True, timeout=harness.PATIENCE)
                self.assertEqual(done.returncode, 1)
                self.assertIn(why, done.stderr)
        for kind in ("stage", "calendar", "passage", "maintenance"):
            self.assertEqual(site.export_live(kind), [])


if __name__ == "__main__":
    harness.main()
