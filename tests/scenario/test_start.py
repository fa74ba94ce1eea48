"""A start with a long ledger: measuring begins before it is read, and whatever cuts it short costs nothing."""
import json
import os
import random
import re
import subprocess
import time

import harness
import sites
from harness import wait_for

ISSUES, STEPS, CUTS = (10000, 100, 30) if harness.STORM else (600, 100, 4)
CONFIG = sites.HEAD + sites.BUS + sites.DEVICES.replace("10s", "100ms").replace("30s", "100ms")


class Start(harness.ScenarioTest):
    def site_with_a_ledger(self):
        # bench_ledger's five years are over by then
        s = self.site(sites.BREACH_SIM, CONFIG, broker=False, rate=1, start="2031-03-05T09:00:00+08:00", continuous=True)
        state = os.path.join(s.dir, "state")
        os.mkdir(state, 0o700)
        rows = subprocess.Popen([harness.program("tests/bench_ledger"), str(ISSUES), str(STEPS), "rows"], stdout=subprocess.PIPE)
        subprocess.run([harness.program("tests/rows_fixture"), state, "simulated"], stdin=rows.stdout, check=True)
        rows.stdout.close()
        self.assertEqual(rows.wait(), 0)
        s.start_sim()
        return s

    def ledger(self, s):
        """Of the running daemon; lights change with the time."""
        issues = json.loads(s.ctl("--json", "issues", "--all"))
        return [{key: issue[key] for key in issue if key not in ("light", "overdue")} for issue in issues]

    def rebuilt(self, s):
        code, out, err = s.run_dustd("--rebuild")
        self.assertEqual(code, 0, err)
        return re.search(r"\d+ issues, \d+ of them open", out).group()

    def test_measuring_begins_before_a_long_ledger_is_read_and_every_answer_is_a_sample(self):
        s = self.site_with_a_ledger()
        s.start_dustd()
        self.assertEqual(len(self.ledger(s)), ISSUES)
        self.assertEqual(s.dustd.stop(), 0)
        rows, samples = s.export()
        at = {kind: [row["at"] for row in rows if row["kind"] == kind] for kind in ("boot", "head")}
        first = min(sample["at"] for sample in samples)
        self.assertLessEqual(at["boot"][0], first)
        self.assertLess(first, at["head"][0], "the head is signed once the ledger has been read")
        print(f"RESULT start: {ISSUES * STEPS} steps, the first reading {first - at['boot'][0]} ms after the start, all read "
              f"after {at['head'][0] - at['boot'][0]} ms", flush=True)
        answers = [p for p in s.sim_polls() if (p["unit"], p["function"], p["outcome"]) == ("relay", 1, "answer")]
        point = next(sample["point"] for sample in samples if sample["point"].startswith("relay/"))
        self.assertEqual(len([sample for sample in samples if sample["point"] == point and "v" in sample]), len(answers))

    def test_a_start_that_is_cut_short_anywhere_by_kill_9_leaves_the_same_ledger(self):
        s = self.site_with_a_ledger()
        began = time.monotonic()
        s.start_dustd()
        took_s = time.monotonic() - began
        before = self.ledger(s)
        for _ in range(CUTS):
            s.dustd.kill()
            s.dustd = harness.Process(s.dustd.args, s.dustd.log)
            time.sleep(random.uniform(0, took_s))  # the random moment, not a deadline
        s.dustd.kill()
        self.assertEqual(self.rebuilt(s), f"{ISSUES} issues, {min(ISSUES, 100)} of them open")
        s.start_dustd()
        self.assertEqual(self.ledger(s), before)
        wait_for("readings", lambda: s.status()["buses"][0]["answers"] > 5)
        self.assertEqual(s.dustd.stop(), 0)
        done = subprocess.run([harness.program("dustctl"), "--db", s.database(), "verify"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)  # unbroken, and compared with nothing


if __name__ == "__main__":
    harness.main()
