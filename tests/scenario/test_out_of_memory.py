"""Any allocation of dustd and its libraries may fail, once or from then on: it goes on, or says so and ends with 71.

The storm tries every path to an allocation that a run is seen to take (a stack of eight callers: tens of thousands of
allocations are some thousands of paths), each once and for ever; mappings by which dustd takes pages are among them, and
are tried one by one too. With a broker by TLS, a certificate of ours, and a Unix
user to look up. Not tried: the names of brokers, in whose look-up glibc 2.36 itself crashes when an allocation fails.
"""
import os
import sys
import time

import faultlib
import harness
from faultlib import MEMORY, PAGES

OUT = {71}
WELL = {0, 71}
# How long it is watched for paths: an hour of the site is 4 s, and there are signed heads, a health message and windows
# that close in each.
WATCHED_S = 30 if harness.STORM else 3
COMES_S = 5 if harness.STORM else 2


class OutOfMemory(faultlib.FaultTest):
    rate = 900 if harness.STORM else 300

    def setUp(self):
        super().setUp()
        self.look_every = 20 if harness.STORM else 1

    def learned(self, act):
        """The paths to allocations that are taken while something is done, but for those of a start, which has its own
        test."""
        self.victim.board.learn()
        act()
        return [path for path in self.victim.board.learned() if path not in self.of_start]

    def learn_start(self):
        """Leaves it running."""
        self.ensure_runs()
        self.stop("first stop", {0})
        self.victim.board.clear()
        self.of_start = set()
        self.of_start = dict.fromkeys(self.learned(self.launched))

    def each(self, phase, paths, wanted):
        """(text, path, for ever) of this part's share."""
        for n, path in enumerate(faultlib.sample(paths, faultlib.points(wanted))):
            for forever in (False, True):
                yield f"{phase}, path {n + 1} ({path[0]:x}), {'for ever' if forever else 'once'}", path, forever

    def goes_on_or_ends(self, where):
        if self.victim.progresses():
            self.count("goes on")
        else:
            self.ended(where, OUT)

    def settled(self):
        """Until rows are committed and a broker has them, or the path has come, or it has ended."""
        v = self.victim

        def settles():
            if v.board.failed() or not v.dustd.running():
                return True
            now = v.live()
            return now and now["mqtt"][0]["connected"] and now["committed"] > now["mqtt"][0]["behind"] + 3
        harness.wait_for("rows at the broker", settles)

    def launched(self):
        v = self.victim
        v.launch()
        self.settled()

    def test_while_it_starts(self):
        v = self.victim
        self.learn_start()
        paths, calls = list(self.of_start), v.board.calls(MEMORY)
        self.stop("second stop", {0})
        for where, path, forever in self.each("start", paths, 16):
            with self.point(where):
                v.board.clear()
                v.board.arm_path(path, forever)
                self.launched()
                if v.dustd.running() and v.board.failed():
                    v.progresses()
                if v.dustd.running():
                    self.count("goes on")
                    self.stop(where, WELL)
                else:
                    self.ended(where, OUT)
        self.finish("start", paths=len(paths), allocations=calls)

    def test_while_it_polls_stores_and_publishes(self):
        v = self.victim
        self.learn_start()
        before = v.board.calls(MEMORY)
        paths = self.learned(lambda: time.sleep(WATCHED_S))  # how long it is watched, not a deadline
        calls = v.board.calls(MEMORY) - before
        for where, path, forever in self.each("running", paths, 16):
            with self.point(where):
                self.ensure_runs()
                v.board.arm_path(path, forever)
                until = time.monotonic() + COMES_S
                harness.wait_for("the fault", lambda: v.board.failed() or not v.dustd.running() or time.monotonic() > until)
                v.board.disarm_path()
                self.goes_on_or_ends(where)
        self.stop("stop", WELL)
        self.finish("running", paths=len(paths), allocations=calls)

    def test_while_its_broker_comes_back(self):
        v = self.victim

        def comes_back():
            v.broker.stop()
            v.broker.start()
            self.settled()
        self.learn_start()
        paths = self.learned(comes_back)
        for where, path, forever in self.each("broker", paths, 6):
            with self.point(where):
                self.ensure_runs()
                v.board.arm_path(path, forever)
                comes_back()
                v.board.disarm_path()
                self.goes_on_or_ends(where)
                if v.dustd.running():  # one that is closed again and again waits longer each time
                    self.stop(where, WELL)
        self.finish("broker back", paths=len(paths))

    def test_while_a_person_acts(self):
        v = self.victim
        self.learn_start()
        issue = harness.wait_for("an issue", lambda: v.status()["issues"]["open"]) and \
            faultlib.json.loads(v.ctl("--json", "issues"))[0]["id"]
        act = ["issue", issue, "note", "现场看过", "--as", "inspector"]
        paths = self.learned(lambda: v.ctl(*act))
        noted = 1
        for where, path, forever in self.each("command", paths, 10):
            with self.point(where):
                self.ensure_runs()
                v.board.arm_path(path, forever)
                noted += v.try_ctl(*act).returncode == 0
                v.board.disarm()
                self.goes_on_or_ends(where)
        self.ensure_runs()
        steps = faultlib.json.loads(v.ctl("--json", "issue", issue))["nsteps"]
        self.assertGreater(steps, noted, "a note that was answered is missing")
        self.finish("command", paths=len(paths), notes_kept=noted)

    def test_while_it_tells_a_person(self):
        v = self.victim
        self.learn_start()
        act = ["alert", "test", "inspector", "--as", "office"]
        paths = self.learned(lambda: v.ctl(*act))
        for where, path, forever in self.each("alert", paths, 10):
            with self.point(where):
                self.ensure_runs()
                v.board.arm_path(path, forever)
                v.start_ctl(*act)
                self.settles_or_ends()
                v.board.disarm()
                self.goes_on_or_ends(where)
        self.ensure_runs()
        harness.wait_for("everything to be told", lambda: v.status()["alerts"][0]["waiting"] == 0)
        told = {row for r in v.export_live("alerted") for row in self.body(r)["rows"] if self.body(r)["ok"]}
        self.assertEqual(told, {r["seq"] for r in v.export_live("alert")})
        self.finish("alert", paths=len(paths), told=len(told))

    def settles_or_ends(self):
        """Until the path has come, the test is told, or it has ended."""
        v, taken = self.victim, len(self.victim.robot.messages)
        harness.wait_for("the robot", lambda: v.board.failed() or not v.dustd.running() or len(v.robot.messages) > taken)

    def body(self, row):
        return faultlib.json.loads(row["body"]) if isinstance(row["body"], str) else row["body"]

    def test_while_it_reloads(self):
        v = self.victim
        self.learn_start()

        def both():
            for _ in range(2):
                v.edit()
                v.ctl("reload")

        paths = self.learned(both)
        for where, path, forever in self.each("reload", paths, 8):
            with self.point(where):
                self.ensure_runs()
                v.board.arm_path(path, forever)
                for _ in range(2):
                    v.edit()
                    v.try_ctl("reload")
                    if v.board.failed():
                        break
                v.board.disarm()
                self.goes_on_or_ends(where)
        self.finish("reload", paths=len(paths))

    def mappings(self, phase, most, wanted):
        """(text, number of the mapping, for ever)."""
        self.assertGreater(most, 0, f"{phase}: no table has pages of its own")
        for after in faultlib.sample(range(1, most + 1), faultlib.points(wanted)):
            for forever in (False, True):
                yield f"{phase}, mapping {after} of {most}, {'for ever' if forever else 'once'}", after, forever

    def test_tables_that_have_pages_of_their_own_while_it_starts(self):
        v = self.victim
        most = self.calls_of_a_start(PAGES)
        for where, after, forever in self.mappings("pages at the start", most, 4):
            with self.point(where):
                v.board.clear()
                v.board.arm(PAGES, after, forever)
                self.launched()
                if v.board.failed():
                    self.ended(where, OUT)
                else:  # the last of them are asked for some time after it runs
                    self.count("goes on")
                    self.stop(where, WELL)
        self.assertIn("exit 71", self.outcomes)
        self.finish("pages at the start", calls=most)

    def test_tables_that_have_pages_of_their_own_while_it_reloads(self):
        v = self.victim
        self.ensure_runs()
        v.edit()
        before = v.board.calls(PAGES)
        v.ctl("reload")
        most = v.board.calls(PAGES) - before
        for where, after, forever in self.mappings("pages at a reload", most, 2):
            with self.point(where):
                self.ensure_runs()
                v.edit()
                v.board.arm(PAGES, after, forever)
                v.try_ctl("reload")
                if v.board.failed():
                    self.ended(where, OUT)
                else:  # one device less has fewer tables
                    self.count("goes on")
        self.assertIn("exit 71", self.outcomes)
        self.finish("pages at a reload", calls=most)

    def test_while_it_stops(self):
        v = self.victim
        self.learn_start()
        paths = self.learned(lambda: self.stop("stop", {0}))
        last = paths[-1:]  # what a library does when the process ends
        for where, path, forever in [*self.each("stop", paths[:-1], 6), *self.each("end", last, 1)]:
            with self.point(where):
                self.ensure_runs()
                v.board.arm_path(path, forever)
                self.stop(where, WELL)
        self.assertNotIn(faultlib.OF_LOADER, self.outcomes, "a library's end after ours")
        self.finish("stop", paths=len(paths))


if __name__ == "__main__":
    if os.path.exists(faultlib.LIBRARY) and b"faultlib_memory" not in open(faultlib.LIBRARY, "rb").read():
        print("skipped: a sanitizer's allocator must see every allocation of this build")
        sys.exit(harness.SKIP)
    faultlib.main()
