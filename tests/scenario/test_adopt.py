"""A box burns, a new one takes over: its export, its issues, its numbers. And what is no whole export is refused in
one line, with nothing done."""
import json
import os
import random
import shutil
import signal
import subprocess
import time

import harness
import sites
from harness import ScenarioTest, program, wait_for


CONFIG = (sites.HEAD + sites.BUS + sites.DEVICES.replace("10s", "60s").replace("30s", "60s")
          + "limits:\n  test-15min: {person: site-manager}\n")


def run(*args):
    done = subprocess.run(args, capture_output=True, text=True, timeout=harness.PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


class Adopt(ScenarioTest):
    """One old gateway for all tests: a morning with a breach, and people at work on the issues."""
    old = None

    @classmethod
    def setUpClass(cls):
        cls.old = s = harness.Site(sites.BREACH_SIM, CONFIG, broker=False, rate=300, start="2026-03-05T09:59:00+08:00",
                                   continuous=True)
        s.start_sim()
        s.start_dustd()
        cls.dismiss_one(s, "雾天误报")
        cls.dismiss_one(s, "传感器校准中")
        first = wait_for("another issue", lambda: cls.open_issue(s))
        for who, step, *rest in (("office", "confirm"), ("office", "assign", "请立即洒水", "--person", "site-manager"),
                                 ("site-manager", "accept"), ("site-manager", "answer", "已洒水")):
            s.ctl("issue", first, step, *rest, "--as", who)
        cls.mark = s.status()["fingerprint"]
        s.dustd.stop()
        s.sim.stop()
        code, cls.export, error = run(program("dustctl"), "--db", s.database(), "export")
        assert code == 0, error
        cls.issues = cls.ledger(s)

    @staticmethod
    def open_issue(s):
        issues = json.loads(s.ctl("--json", "issues"))
        return issues[0]["id"] if issues else None

    @classmethod
    def dismiss_one(cls, s, why):
        """An issue that the next breach is no evidence of: it opens another."""
        s.ctl("issue", wait_for("an issue", lambda: cls.open_issue(s)), "dismiss", why, "--as", "office")

    @classmethod
    def tearDownClass(cls):
        cls.old.close()

    @staticmethod
    def ledger(s):
        """All issues, without the members that say where a step came from and what the hour is."""
        _, text, error = run(program("dustctl"), "--db", s.database(), "--json", "issues", "--all")
        issues = json.loads(text)
        for issue in issues:
            for step in issue["steps"]:
                step.pop("adopted", None)
            for name in ("light", "overdue"):
                issue.pop(name, None)
        return issues

    def new(self, export=None):
        s = self.site(sites.BREACH_SIM, CONFIG, broker=False, rate=300, start="2026-03-06T09:59:00+08:00", continuous=True)
        s.start_sim()
        s.file = os.path.join(s.dir, "export.jsonl")
        with open(s.file, "w", encoding="utf-8") as out:
            out.write(self.export if export is None else export)
        return s

    def adopt(self, s, *more):
        return run(program("dustd"), "-c", s.config_file, "--data", os.path.join(harness.SOURCE, "config"), "--simulated",
                   *s.dustd_clock(), "--adopt", s.file, *more)

    def test_the_ledger_is_what_it_was_and_goes_on(self):
        s = self.new()
        code, out, error = self.adopt(s)
        self.assertEqual(code, 0, error)
        self.assertIn(f"with the key {self.mark}: compare it", out)
        self.assertEqual(self.ledger(s), self.issues)
        self.assertGreater(len(self.issues), 2)
        rows, _ = s.export("--rows")
        told = json.loads(rows[0]["body"])
        last = json.loads(self.export.splitlines()[0])
        self.assertEqual((rows[0]["kind"], told["adopted"]), ("journal", True))
        self.assertEqual([told["predecessor"][name] for name in ("journal", "seq", "hash", "fingerprint")],
                         [last["journal"], last["head"]["seq"], last["head"]["hash"], self.mark])
        steps = [json.loads(row["body"]) for row in rows if row["kind"] == "issue"]
        self.assertEqual({step["adopted"]["journal"] for step in steps}, {last["journal"]})
        self.assertEqual(json.loads([row for row in rows if row["kind"] == "gap"][0]["body"])["reason"], "replaced")
        s.start_dustd()
        live = json.loads(s.ctl("--json", "issues", "--all"))
        self.assertEqual([issue["id"] for issue in live], [issue["id"] for issue in self.issues])
        s.ctl("issue", self.issues[-1]["id"], "rectify", "已整改", "--as", "site-manager")
        s.ctl("issue", self.issues[-1]["id"], "close", "复核合格", "--as", "office")
        fresh = wait_for("an issue of the next day", lambda: [i for i in json.loads(s.ctl("--json", "issues", "--all"))
                                                             if i["id"] > self.issues[-1]["id"]])
        self.assertEqual(int(fresh[0]["id"][-4:]), len(self.issues) + 1)
        key = s.status()["fingerprint"]
        self.assertEqual(run(program("dustctl"), "--socket", os.path.join(s.dir, "control.sock"), "verify", "--key", key)[0], 0)

    def test_an_adopted_journal_can_be_adopted_in_its_turn(self):
        s = self.new()
        self.assertEqual(self.adopt(s)[0], 0)
        again = self.new(run(program("dustctl"), "--db", s.database(), "export")[1])
        self.assertEqual(self.adopt(again)[0], 0)
        self.assertEqual(self.ledger(again), self.issues)

    def test_only_an_empty_state_directory_adopts(self):
        s = self.new()
        self.assertEqual(self.adopt(s)[0], 0)
        before = s.export()
        code, _, error = self.adopt(s)
        self.assertEqual((code, len(error.splitlines())), (1, 1), error)
        self.assertIn("rows already", error)
        self.assertEqual(s.export(), before)
        with open(s.database(), "wb") as out:
            out.write(b"no database")
        code, _, error = self.adopt(s)
        self.assertEqual(code, 1)
        self.assertIn("cannot be read; move it away", error)

    def refused(self, s, text, but=()):
        with open(s.file, "w", encoding="utf-8") as out:
            out.write(text)
        code, out, error = self.adopt(s)
        self.assertEqual((code, out, len(error.splitlines())), (1, "", 1), error)
        self.assertTrue(error.startswith(f"dustd: {s.file}:"), error)
        self.assertFalse(os.path.exists(os.path.join(s.dir, "state")))
        return error

    def test_what_is_no_whole_export_is_refused_with_its_line_and_nothing_is_done(self):
        s = self.new()
        lines = self.export.splitlines(keepends=True)
        rows = json.loads(lines[-1])["rows"]
        cases = {
            "empty": ("", ":1: "),
            "another file": ("site: {name: x}\n", ":1: no line of an export"),
            "without its last line": ("".join(lines[:-1]), f":{len(lines)}: the export ends here"),
            "cut within a line": (self.export[:-10], f":{len(lines)}: "),
            "a row left out": ("".join(lines[:4] + lines[5:]), ":5: row 5 "),
            "two rows swapped": ("".join(lines[:4] + lines[5:3:-1] + lines[6:]), ":5: row 5 "),
            "tail and count made to fit": ("".join(lines[:rows - 1]) + json.dumps({"end": True, "rows": rows - 2, "samples": 0}) + "\n",
                                           "which the first line names"),
            "a part": (lines[0].replace('"export":1', '"export":1,"from":5') + "".join(lines[1:]), ":1: an export of a part"),
            "something behind": (self.export + "\n", "something follows"),
            "a sample lost": ("".join(lines[:-2] + lines[-1:]), "lines are missing"),
            "no rows": (lines[0] + '{"end":true,"rows":0,"samples":0}\n', "without rows"),
        }
        for name, (text, want) in cases.items():
            with self.subTest(name):
                self.assertIn(want, self.refused(s, text))
        with self.subTest("a real gateway's export in a simulation"):
            with open(s.file, "w", encoding="utf-8") as out:
                out.write(lines[0].replace('"simulated":true', '"simulated":false') + "".join(lines[1:]))
            self.assertIn("--simulated must fit", self.adopt(s)[2])

    def test_no_change_at_random_is_adopted(self):
        s = self.new()
        head = self.export.index("\n") + 1
        tail = self.export.index('{"seq":', self.export.rindex('"kind":"stop"'))  # the samples after the rows are in no chain
        raw = bytearray(self.export.encode())
        random.seed(harness.SEED)
        cases = 2000 if harness.STORM else 100
        for _ in range(cases):
            at, bit = random.randrange(len(self.export[:head].encode()), len(self.export[:tail].encode())), random.randrange(8)
            raw[at] ^= 1 << bit
            with open(s.file, "wb") as out:
                out.write(raw)
            raw[at] ^= 1 << bit
            code, _, error = self.adopt(s)
            self.assertEqual((code, len(error.splitlines())), (1, 1), f"byte {at}, bit {bit}: {error}")
        self.assertFalse(os.path.exists(os.path.join(s.dir, "state")))
        print(f"RESULT adopt_flips cases={cases} refused={cases}")

    def test_killed_at_any_time_it_has_adopted_all_or_nothing(self):
        s = self.new()
        state = os.path.join(s.dir, "state")
        whole = nothing = 0
        started = time.monotonic()
        self.assertEqual(self.adopt(s)[0], 0)
        usual = time.monotonic() - started
        random.seed(harness.SEED)
        for _ in range(300 if harness.STORM else 30):
            shutil.rmtree(state, ignore_errors=True)
            process = subprocess.Popen([program("dustd"), "-c", s.config_file, "--data", os.path.join(harness.SOURCE, "config"),
                                        "--simulated", *s.dustd_clock(), "--adopt", s.file], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(random.random() * usual)
            process.send_signal(signal.SIGKILL)
            process.wait()
            if os.path.exists(s.database()) and self.ledger_or_none(s) == self.issues:
                whole += 1
                continue
            nothing += 1
            self.assertEqual(self.adopt(s)[0], 0)  # what is left is empty: it can be tried again
            self.assertEqual(self.ledger(s), self.issues)
        print(f"RESULT adopt_kills whole={whole} nothing={nothing}")

    def ledger_or_none(self, s):
        try:
            return self.ledger(s)
        except ValueError:
            return None


if __name__ == "__main__":
    harness.main()
