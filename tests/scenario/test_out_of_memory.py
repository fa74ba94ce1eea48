"""Any allocation of dustd and its libraries may fail, once or from then on: it goes on, or says so and ends with 71.

Not tried: look-ups of names (brokers, Unix users). glibc 2.36 itself crashes in them when an allocation fails.
"""
import os
import sys

import faultlib
import harness
from faultlib import MEMORY

OUT = {71}
WELL = {0, 71}


def how(forever):
    return "for ever" if forever else "once"


class OutOfMemory(faultlib.FaultTest):
    def goes_on_or_ends(self, where):
        if self.victim.progresses():
            self.count("goes on")
        else:
            self.ended(where, OUT)

    def run_start(self, where, after, forever):
        """A start in which the allocation fails; goes on until it has ended or made rows."""
        v = self.victim
        v.board.clear()
        v.board.arm(MEMORY, after, forever)
        v.launch()
        if v.progresses():
            self.count("goes on")
            self.stop(where, WELL)
        else:
            self.ended(where, OUT)

    def test_while_it_starts(self):
        most = self.calls_of_a_start(MEMORY)
        for after in faultlib.sample(most, faultlib.points(16, 20000)):
            for forever in (False, True):
                where = f"start, allocation {after} of {most}, {how(forever)}"
                with self.point(where):
                    self.run_start(where, after, forever)
        self.finish(f"start, of {most} allocations")

    def test_while_it_polls_stores_and_publishes(self):
        v = self.victim
        self.ensure_runs()
        before = v.board.calls(MEMORY)
        self.assertTrue(v.progresses())
        most = 2 * (v.board.calls(MEMORY) - before)
        for after in faultlib.sample(most, faultlib.points(20, 3000)):
            for forever in (False, True):
                where = f"running, allocation {after} from now, {how(forever)}"
                with self.point(where):
                    self.ensure_runs()
                    v.board.arm(MEMORY, after, forever)
                    harness.wait_for("the fault", lambda: v.board.failed() or not v.dustd.running())
                    self.goes_on_or_ends(where)
        self.stop("stop", WELL)
        self.finish(f"running, of {most} allocations")

    def test_while_a_person_acts(self):
        v = self.victim
        self.ensure_runs()
        issue = harness.wait_for("an issue", lambda: v.status()["issues"]["open"]) and \
            faultlib.json.loads(v.ctl("--json", "issues"))[0]["id"]
        act = ["issue", issue, "note", "现场看过", "--as", "inspector"]
        before = v.board.calls(MEMORY)
        v.ctl(*act)
        most = v.board.calls(MEMORY) - before
        noted = 1
        for after in faultlib.sample(most, faultlib.points(10, 3000)):
            for forever in (False, True):
                where = f"command, allocation {after} of {most}, {how(forever)}"
                with self.point(where):
                    self.ensure_runs()
                    v.board.arm(MEMORY, after, forever)
                    noted += v.try_ctl(*act).returncode == 0
                    v.board.disarm()
                    self.goes_on_or_ends(where)
        self.ensure_runs()
        steps = faultlib.json.loads(v.ctl("--json", "issue", issue))["nsteps"]
        self.assertGreater(steps, noted, "a note that was answered is missing")
        self.finish(f"command, of {most} allocations")

    def test_while_it_reloads(self):
        v = self.victim
        self.ensure_runs()
        before = v.board.calls(MEMORY)
        v.edit()
        v.ctl("reload")
        most = v.board.calls(MEMORY) - before
        for after in faultlib.sample(most, faultlib.points(8, 20000)):
            for forever in (False, True):
                where = f"reload, allocation {after} of {most}, {how(forever)}"
                with self.point(where):
                    self.ensure_runs()
                    v.edit()
                    v.board.arm(MEMORY, after, forever)
                    v.try_ctl("reload")
                    v.board.disarm()
                    self.goes_on_or_ends(where)
        self.finish(f"reload, of {most} allocations")

    def test_while_it_stops(self):
        v = self.victim
        self.ensure_runs()
        before = v.board.calls(MEMORY)
        self.stop("stop", {0})
        most = v.board.calls(MEMORY) - before
        for after in faultlib.sample(most, faultlib.points(6, 1000)):
            for forever in (False, True):
                where = f"stop, allocation {after} of {most}, {how(forever)}"
                with self.point(where):
                    self.ensure_runs()
                    v.board.arm(MEMORY, after, forever)
                    self.stop(where, WELL)
        self.finish(f"stop, of {most} allocations")


if __name__ == "__main__":
    if os.path.exists(faultlib.LIBRARY) and b"faultlib_memory" not in open(faultlib.LIBRARY, "rb").read():
        print("skipped: a sanitizer's allocator must see every allocation of this build")
        sys.exit(harness.SKIP)
    harness.main()
