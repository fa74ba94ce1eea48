"""Issues by people, in the real programs: found, photographed, rectified, signed off; looked for; and bad input."""
import hashlib
import json
import os
import socket
import subprocess
import unittest
from datetime import datetime, timezone

import harness
import sites
from harness import program

# Nobody real: 示例工地.
CONFIG = sites.HEAD + """
issues:
  photo_size: 100 kB
  categories:
    road:
      title: {zh: 路域环境整治, en: Roads and roadsides}
      photo_before: true
      photo_after: true
      inspection: true
""" + sites.BUS + sites.DEVICES + sites.LIMITS

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40


class Casework(harness.ScenarioTest):
    def start(self):
        s = self.site(sites.BREACH_SIM, CONFIG, broker=False, start="2026-03-05T08:00:00+08:00")
        s.start_sim()
        s.start_dustd()
        return s

    def photo(self, s, name="IMG 1.jpg", content=JPEG):
        path = os.path.join(s.dir, name)
        with open(path, "wb") as out:
            out.write(content)
        return path

    def refused(self, s, *words):
        done = subprocess.run(harness.dustctl("--socket", os.path.join(s.dir, "control.sock"), "--lang", "en", *words),
                              capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def do(self, s, who, *words):
        return json.loads(s.ctl("--json", "issue", *words, "--as", who))

    @unittest.skipUnless(harness.may_be_root(), "acts in the name of several persons, as root")
    def test_a_finding_is_led_to_its_end_with_photos_and_survives_a_restart(self):
        s = self.start()
        issue = self.do(s, "inspector", "open", "road", "大门外 50 米", "道路积尘", "--way", "unannounced", "--person",
                        "site-manager", "--photo", self.photo(s))
        name = issue["id"]
        self.assertEqual((issue["state"], issue["kind"], issue["subject"], issue["cause"], issue["way_zh"]),
                         ("confirmed", "finding", "road", "大门外 50 米", "暗访"))
        digest = hashlib.sha256(JPEG).hexdigest()
        self.assertEqual(issue["photos"], [{"sha256": digest, "bytes": len(JPEG), "type": "jpg", "when": "before",
                                            "name": "IMG 1.jpg"}])
        with open(os.path.join(s.dir, "state", "photos", digest + ".jpg"), "rb") as kept:
            self.assertEqual(kept.read(), JPEG)
        due = "2030-01-01"
        issue = self.do(s, "office", name, "assign", "--due", due)
        self.assertEqual(issue["rectify_due"], 1893427200000)
        self.do(s, "site-manager", name, "accept")
        self.assertIn("photo of after", self.refused(s, "issue", name, "rectify", "已清扫", "--as", "site-manager"))
        self.do(s, "site-manager", name, "photo", self.photo(s, "after.jpg", JPEG + b"after"))
        self.do(s, "site-manager", name, "rectify", "已清扫")
        self.assertIn("never for the responsible unit",
                      self.refused(s, "issue", name, "close", "好了", "--as", "site-manager"))
        self.assertIn("fresh inspection", self.refused(s, "issue", name, "close", "合格", "--as", "office"))
        self.do(s, "inspector", name, "inspect", "现场已复查")
        closed = self.do(s, "office", name, "close", "复核合格")
        self.assertEqual((closed["state"], closed["nsteps"], len(closed["photos"])), ("closed", 8, 2))
        self.assertEqual(s.dustd.stop(), 0)
        self.rebuilt_is(s, [closed])
        s.start_dustd()
        again = json.loads(s.ctl("--json", "issue", name))
        self.assertEqual(again, closed)

    def rebuilt_is(self, s, issues):
        """dustd --rebuild makes these of the stopped daemon's journal, and misses a photo that is changed."""
        code, out, err = s.run_dustd("--rebuild", "--json")
        self.assertEqual((code, [json.loads(line) for line in out.splitlines()]), (0, issues), err)
        code, out, err = s.run_dustd("--rebuild")
        self.assertIn("1 issues, 0 of them open, made anew from 8 steps; 0 rows are none", out)
        self.assertIn("2 photos, 0 of them missing or changed", out)
        digest = issues[0]["photos"][1]["sha256"]
        path = os.path.join(s.dir, "state", "photos", digest + ".jpg")
        with open(path, "r+b") as photo:
            photo.seek(5)
            photo.write(b"?")
        code, out, err = s.run_dustd("--rebuild")
        self.assertEqual(code, 1)
        self.assertIn(f"photo {digest} has been changed", err)
        os.remove(path)
        code, out, err = s.run_dustd("--rebuild")
        self.assertEqual(code, 1)
        self.assertIn(f"photo {digest} is not there", err)

    @unittest.skipUnless(harness.may_be_root(), "acts in the name of several persons, as root")
    def test_a_holiday_that_is_declared_moves_the_check_nodes_of_what_is_found_later_also_after_a_restart(self):
        s = self.start()
        before = self.do(s, "inspector", "open", "road", "东侧", "积尘")
        s.ctl("calendar", "holiday", "--from", "2026-03-04T00:00:00+08:00", "--to", "2026-03-12T00:00:00+08:00", "--as", "office")
        due = ("--due", "2026-03-15T00:00:00+08:00")
        after = self.do(s, "office", before["id"], "assign", "--person", "site-manager", *due)
        self.assertEqual(after["nodes"][0], 1773374400000)  # half of 12, 13 and 14 March is 13 March, 12:00
        self.assertEqual(after["rectify_due"], 1773504000000)
        self.assertEqual(s.dustd.stop(), 0)
        s.start_dustd()
        again = self.do(s, "office", self.do(s, "inspector", "open", "road", "西侧", "积尘")["id"], "assign", "--person",
                        "site-manager", *due)
        self.assertEqual(again["nodes"][0], after["nodes"][0])

    @unittest.skipUnless(harness.may_be_root(), "acts in the name of several persons, as root")
    def test_windows_that_were_kept_before_a_restart_count_when_an_issue_is_closed(self):
        config = CONFIG.replace("issues:", "issues:\n  kinds: {limit: {clean_windows: 4}}").replace("shanxi-taiyuan", "test-15min")
        s = self.site(sites.BREACH_SIM.replace("18:00", "10:15"), config, broker=False, rate=120, start="2026-03-05T09:59:00+08:00")
        s.start_sim()
        s.start_dustd()
        name = harness.wait_for("the breach", lambda: json.loads(s.ctl("--json", "issues")))[0]["id"]
        harness.wait_for("the end of its window, which would send it back",
                         lambda: [r for r in s.export_live("verdict") if '"verdict":"breach"' in r["body"]])
        for who, words in (("office", ["confirm"]), ("office", ["assign"]), ("site-manager", ["accept"]),
                           ("site-manager", ["rectify", "已洒水"])):
            self.do(s, who, name, *words)
        self.assertIn("takes 4 windows that were kept", self.refused(s, "issue", name, "close", "合格", "--as", "office"))

        def kept():
            """Verdicts after the breach."""
            verdicts = [json.loads(row["body"])["verdict"] for row in s.export_live("verdict")]
            return verdicts[verdicts.index("breach") + 1:] if "breach" in verdicts else []
        harness.wait_for("two windows that were kept", lambda: len(kept()) >= 2)
        now = s.status()["now"]
        self.assertEqual(s.dustd.stop(), 0)
        at = datetime.fromtimestamp(now / 1000, timezone.utc).isoformat(timespec="milliseconds")
        s.start_dustd(clock=["--clock-rate", "120", "--clock-start", at])
        harness.wait_for("two more", lambda: len(kept()) >= 4)
        self.assertEqual(kept()[:4], ["pass"] * 4)
        self.assertEqual(self.do(s, "office", name, "close", "复核合格")["state"], "closed")

    @unittest.skipUnless(harness.may_be_root(), "acts in the name of several persons, as root")
    def test_what_is_no_photo_or_no_finding_is_refused_and_leaves_nothing(self):
        s = self.start()
        name = self.do(s, "inspector", "open", "road", "料场", "=cmd|'/C calc'!A0 %s%n '); DROP TABLE rows; --")["id"]
        steps = json.loads(s.ctl("--json", "issue", name))["nsteps"]
        for words, why in ((("photo", self.photo(s, "x.jpg", b"#!/bin/sh\n")), "no photo"),
                           (("photo", self.photo(s, "big.jpg", JPEG * 11)), "too large"),
                           (("photo", "/dev/zero"), "no ordinary file"),
                           (("photo", s.dir), "no ordinary file"),
                           (("photo", self.photo(s), "sideways"), "before"),
                           (("note", "x" * 5000), "at most 1000"),
                           (("note", "\x1b[31m"), "control character"),
                           (("accept",), "may now"),
                           (("dismiss",), "needs a text")):
            self.assertIn(why, self.refused(s, "issue", name, *words, "--as", "office"), words)
        self.assertIn("No such file", self.refused(s, "issue", name, "photo", os.path.join(s.dir, "none"), "--as", "office"))
        self.assertIn("allowed: road", self.refused(s, "issue", "open", "roads", "大门", "积尘", "--as", "inspector"))
        self.assertIn("no person", self.refused(s, "issue", name, "assign", "--person", "nobody", "--as", "office"))
        self.assertIn("has passed", self.refused(s, "issue", name, "assign", "--person", "site-manager", "--due",
                                                 "2020-01-01", "--as", "office"))
        self.assertEqual(json.loads(s.ctl("--json", "issue", name))["nsteps"], steps)
        self.assertEqual(os.listdir(os.path.join(s.dir, "state", "photos")), [])
        self.assertIn("=cmd|'/C calc'!A0 %s%n '); DROP TABLE rows; --", s.ctl("issue", name))

    @unittest.skipUnless(harness.may_be_root(), "acts in the name of several persons, as root")
    def test_a_note_of_a_megabyte_is_refused_and_the_next_request_is_answered(self):
        s = self.start()
        name = self.do(s, "inspector", "open", "road", "大门", "积尘")["id"]
        asked = json.dumps({"do": "act", "issue": name, "verb": "note", "text": "尘" * 350000, "as": "office"}).encode() + b"\n"
        self.assertGreater(len(asked), 1e6)
        rss = s.status()["process"]["rss_bytes"]
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(harness.PATIENCE)
            client.connect(os.path.join(s.dir, "control.sock"))
            try:
                client.sendall(asked)
            except OSError:
                pass  # it need not read to the end of what it refuses
            heard = client.recv(4096)
        self.assertRegex(heard.decode(), r'"ok":false,.*(long|bytes)')
        self.assertEqual(self.do(s, "office", name, "note", "短")["nsteps"], 2)
        if not harness.SANITIZED:
            self.assertLess(s.status()["process"]["rss_bytes"] - rss, 2e6)

    @unittest.skipUnless(harness.may_be_root(), "acts in the name of several persons, as root")
    def test_a_photo_that_leads_out_of_its_folder_stays_in_it(self):
        s = self.start()
        name = self.do(s, "inspector", "open", "road", "大门", "积尘")["id"]
        folder = os.path.join(s.dir, "..data")
        os.mkdir(folder)
        path = os.path.join(folder, "..\\..\\evil.jpg")
        with open(path, "wb") as out:
            out.write(JPEG)
        photo = self.do(s, "inspector", name, "photo", os.path.join(folder, "..", "..data", "..\\..\\evil.jpg"))["photos"][0]
        self.assertEqual(photo["name"], "..\\..\\evil.jpg")
        self.assertEqual(os.listdir(os.path.join(s.dir, "state", "photos")), [photo["sha256"] + ".jpg"])

    @unittest.skipUnless(harness.may_be_root(), "acts in the name of several persons, as root")
    def test_issues_are_looked_for_in_the_daemon_as_in_a_copy(self):
        s = self.start()
        for place in ("东侧", "西侧", "南侧"):
            self.do(s, "inspector", "open", "road", place, f"{place}积尘", "--person", "site-manager")
        self.do(s, "office", "LQ-2026-0002", "dismiss", "看错了")
        cases = ((["--text", "侧积"], 2), (["--all", "--text", "侧积"], 3), (["--state", "dismissed"], 1),
                 (["--about", "road"], 2), (["--kind", "limit"], 0), (["--person", "site-manager"], 2),
                 (["--light", "green"], 0), (["--level", "general"], 2), (["--due", "2035-01-01"], 2))
        for words, n in cases:
            self.assertEqual(len(json.loads(s.ctl("--json", "issues", *words))), n, words)
        self.assertIn("allowed: green yellow red", self.refused(s, "issues", "--light", "blue"))
        self.assertEqual(s.dustd.stop(), 0)
        for words, n in cases[:4]:
            done = subprocess.run([program("dustctl"), "--db", s.database(), "--json", "issues", *words],
                                  capture_output=True, text=True, timeout=harness.PATIENCE, check=True)
            self.assertEqual(len(json.loads(done.stdout)), n, words)


if __name__ == "__main__":
    harness.main()
