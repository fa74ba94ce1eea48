"""A damaged database is set aside with a message; the daemon starts, and names the predecessor."""
import glob
import json
import os
import random

import harness
import independent
import sites


class Damage(harness.ScenarioTest):
    def ran(self):
        site = self.site(sites.BREACH_SIM, sites.BREACH, start="2026-03-05T08:00:00+08:00", continuous=True)
        site.start_sim()
        site.start_dustd()
        harness.wait_for("some rows", lambda: (site.status() or {"seq": 0})["seq"] > 6)
        self.assertEqual(site.dustd.stop(), 0)
        return site

    def damage(self, site):
        with open(site.database(), "r+b") as f:
            f.seek(0)
            f.write(random.randbytes(4096))

    def test_it_starts_with_a_new_journal_that_names_the_old_one(self):
        site = self.ran()
        rows, _ = site.export("--rows")
        last = rows[-1]
        self.damage(site)
        site.start_dustd()
        self.assertEqual(site.dustd.stop(), 0)
        new, _ = site.export("--rows")
        self.assertTrue(independent.chain_is_whole(new))
        body = next(json.loads(r["body"]) for r in new if r["kind"] == "journal")
        self.assertEqual(body["predecessor"]["seq"], last["seq"])
        self.assertEqual(body["predecessor"]["hash"], last["hash"])
        aside = [f for f in glob.glob(site.database() + "*") if "damaged" in f]
        self.assertTrue(aside, os.listdir(os.path.dirname(site.database())))

    def test_the_message_is_said_once(self):
        site = self.ran()
        self.damage(site)
        site.start_dustd()
        site.dustd.stop()
        said = [l for l in site.dustd.text().splitlines() if "aside" in l]
        self.assertEqual(len(said), 1, said)


if __name__ == "__main__":
    harness.main()
