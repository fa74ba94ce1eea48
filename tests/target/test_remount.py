"""A file system that turns read-only under the running daemon, on the kernel that Debian 12 has (user-mode Linux): by
force, which nobody does to the machine that he works on, and by its own error.

Linux 6.1 is why this is tried beside scenario/test_disk: after a remount by force it goes on taking writes and syncs of
open files, and puts nothing on the disk.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "scenario"), HERE]
import harness  # noqa: E402
import independent  # noqa: E402
import sites  # noqa: E402
from test_boot import facts, text_of  # noqa: E402

TOOLS = ("linux.uml", "mkfs.ext4", "e2fsck")
BOOT_S = 600
RECOVERY_S = 60
LOOSE = ("store: {", "store: {ballast: 4 MB, max_size: 64 MB, ")


def guest(site):
    """What the guest said until it powered off."""
    image, console = os.path.join(site.dir, "disk.img"), os.path.join(site.dir, "console.txt")
    with open(image, "wb") as f:
        f.truncate(24_000_000)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
    os.makedirs(os.path.join(site.dir, "state"), exist_ok=True)
    with open(console, "wb") as out:
        machine = subprocess.Popen(
            ["linux.uml", "mem=256M", f"ubd0={image}", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw",
             f"init={HERE}/remount.sh", f"DUST_HERE={site.dir}", f"DUST_BUILD={harness.BUILD}",
             f"DUST_SOURCE={harness.SOURCE}", "con=null", "con0=fd:0,fd:1", "quiet"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        harness.wait_for("the guest's end", lambda: machine.poll() is not None or "Kernel panic" in text_of(console), BOOT_S)
    finally:
        if machine.poll() is None:
            os.killpg(machine.pid, 9)
            machine.wait()
    return text_of(console)


class Remount(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        site = harness.Site(sites.BREACH_SIM, sites.BREACH.replace(*LOOSE), broker=False)
        try:
            said = guest(site)
            cls.facts = facts(said)
            if cls.facts.get("done") != "yes":
                raise AssertionError(f"the guest did not come to its end:\n{said[-6000:]}")
            cls.rows = [json.loads(line) for line in text_of(os.path.join(site.dir, "rows.jsonl")).splitlines()]
        finally:
            site.close()

    def store(self, phase):
        return json.loads(self.facts[f"{phase}.status"])["store"]

    def test_nothing_is_committed_to_a_file_system_remounted_by_force(self):
        self.assertTrue(self.store("forced")["stuck"])
        self.assertIn("read-only", self.store("forced")["why"])

    def test_old_rows_are_read_while_no_file_is_held_open(self):
        for phase in ("forced", "error"):
            self.assertEqual(self.facts[f"{phase}.open"], "0", phase)
            self.assertGreater(int(self.facts[f"{phase}.rows"]), 2, phase)

    def test_it_goes_on_by_itself_when_the_file_system_takes_writes_again(self):
        self.assertEqual((self.facts["forced.remount"], self.facts["error.umount"]), ("0", "0"))
        for phase in ("forced", "error"):
            self.assertLess(int(self.facts[f"{phase}.after"]), RECOVERY_S, self.facts["log"])
            print(f"RESULT read-only ({phase}): commits again after {self.facts[phase + '.after']} s", flush=True)
        self.assertFalse(self.store("mended")["stuck"])
        self.assertGreater(int(self.facts["mended.open"]), 0)

    def test_no_row_is_lost_and_the_chain_is_whole(self):
        rows = [row for row in self.rows if "seq" in row]
        self.assertEqual(self.facts["stop.status"], "0")
        self.assertTrue(independent.chain_is_whole(rows), self.facts["verify"])
        self.assertEqual([row for row in rows if row["kind"] in ("lost", "gap")], [])
        minutes = [row["at"] for row in rows if row["kind"] == "minute"]
        self.assertEqual(len(minutes), len(set(minutes)))


if __name__ == "__main__":
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    why = ("only in script/storm (or DUST_STORM=1): it boots a machine" if not harness.STORM else
           "needs root, for mounts within the guest" if os.geteuid() != 0 else
           f"needs {', '.join(missing)} (script/bootstrap --storm)" if missing else
           "once is enough: not under a sanitizer" if re.search("asan|tsan", harness.BUILD) else None)
    if why:
        print(f"skipped: {why}")
        sys.exit(harness.SKIP)
    print(f"seed: DUST_SEED={harness.SEED}", flush=True)
    unittest.main(module="__main__", verbosity=2)
