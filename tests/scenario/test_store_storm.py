"""The store's own tests with the numbers of a storm: power cuts, kill -9, damaged files (script/storm)."""
import os
import re
import subprocess
import sys
import unittest

BUILD = os.environ.get("DUST_BUILD", "build/dev")
TESTS = [  # program, what is counted, how many in a storm, the line that says it
    ("test_store_power", "DUST_CUTS", 20000, r"\d+ cuts while writing, \d+ while opening"),
    ("test_store_kill", "DUST_KILLS", 500, r"\d+ rows announced; .*"),
    ("test_store_damage", "DUST_DAMAGES", 5000, r"\d+ set aside, \d+ opened, \d+ refused"),
]


class StoreStorm(unittest.TestCase):
    def test_nothing_announced_is_lost_and_nothing_damaged_is_served(self):
        for program, name, count, pattern in TESTS:
            with self.subTest(program):
                env = dict(os.environ, **{name: str(count)})
                run = subprocess.run([os.path.join(BUILD, "tests", program)], env=env, text=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertEqual(run.returncode, 0, run.stdout[-3000:])
                said = re.search(pattern, run.stdout)
                self.assertIsNotNone(said, run.stdout[-3000:])
                print(f"RESULT {program}: {said.group(0)}", flush=True)


if __name__ == "__main__":
    if os.environ.get("DUST_STORM") != "1":
        print("skipped: the unit tests run with small numbers; script/storm runs the large ones")
        sys.exit(77)
    unittest.main(verbosity=2)
