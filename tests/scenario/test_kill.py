"""kill -9 at random moments under load: nothing that anybody saw is lost, nothing is said twice with two contents."""
import json
import os
import random
import signal
import subprocess
import time

import harness
import independent
import sites

KILLS = int(os.environ.get("DUST_KILLS", "50" if harness.STORM else "6"))


def first_tellings(rows):
    """(seq -> message) and the seqs in the order of their first telling; fails when one seq has two contents."""
    contents, order = {}, []
    for seq, message in rows:
        if seq not in contents:
            contents[seq] = message
            order.append(seq)
        elif contents[seq] != message:
            raise AssertionError(f"seq {seq} was told with two contents")
    return contents, order


class Kill(harness.ScenarioTest):
    def restart(self, site):
        site.start_dustd()

    def verify_against(self, site, contents):
        """dustctl verify on the killed daemon's files, compared with what the subscriber saw."""
        heads = os.path.join(site.dir, "heads.jsonl")
        with open(heads, "w") as f:
            for seq, m in sorted(contents.items()):
                f.write(json.dumps({"journal": m["journal"], "seq": seq, "hash": m["hash"]}) + "\n")
        args = [harness.program("dustctl"), "--db", site.database(), "verify"]
        done = subprocess.run(args + (["--heads", heads] if contents else []), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0 if contents else 3, done.stdout + done.stderr)

    def test_no_row_that_a_subscriber_saw_is_missing_after_kill_9(self):
        site = self.site(sites.LOADED_SIM, sites.LOADED, rate=60, start="2026-03-05T08:00:00+08:00", continuous=True)
        watcher = site.watcher()
        site.start_sim()
        for _ in range(KILLS):
            self.restart(site)
            time.sleep(random.uniform(0.05, 2.5))  # the random moment, not a deadline
            site.dustd.kill()
            contents, _ = first_tellings(watcher.rows())
            self.verify_against(site, contents)
        self.restart(site)
        behind = lambda: (site.status() or {"mqtt": [{"behind": 1, "connected": False}]})["mqtt"][0]
        harness.wait_for("the broker to have it all", lambda: behind()["connected"] and behind()["behind"] <= 1)
        self.assertEqual(site.dustd.stop(), 0)
        self.check_all(site, watcher)

    def check_all(self, site, watcher):
        rows, _ = site.export("--rows")
        self.assertTrue(independent.chain_is_whole(rows))
        kept = {row["seq"]: row for row in rows}
        contents, order = first_tellings(watcher.rows())
        self.assertGreater(len(order), KILLS)
        self.assertEqual(order, list(range(1, len(order) + 1)), "a gap or a reversal")
        for seq, message in contents.items():
            self.assertEqual(message["hash"], kept[seq]["hash"])
        print(f"RESULT {KILLS} kills, {len(rows)} rows, {len(order)} seen, {len(watcher.rows()) - len(order)} repeats")


if __name__ == "__main__":
    harness.main()
