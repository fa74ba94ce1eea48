"""Any write, fsync or truncation of the database's files may fail, once or from then on: dustd goes on or says why it
ends, and no row that a subscriber saw is ever missing."""
import random
import time

import faultlib
import harness
from faultlib import DISK

STARTED_OR_NOT = {0, 1}
WELL = {0}


class FailingDisk(faultlib.FaultTest):
    def cases(self, phase, most, wanted):
        """(text, number of the call, for ever, error): each number with one error once and another for ever."""
        names = sorted(faultlib.ERRORS)
        for after in faultlib.sample(range(1, most + 1), faultlib.points(wanted)):
            for forever in (False, True):
                name = random.choice(names)
                yield (f"{phase}, call {after} of {most}, {name} {'for ever' if forever else 'once'}", after, forever,
                       faultlib.ERRORS[name])

    def measured(self, act):
        """How many calls `act` makes, with all that goes on beside it."""
        before = self.victim.board.calls(DISK)
        act()
        return self.victim.board.calls(DISK) - before

    def recovers(self, where):
        """The disk is well again: rows reach it."""
        self.victim.board.disarm()
        self.assertTrue(self.victim.progresses(), f"{where}: does not recover\n{self.victim.said()}")
        self.count("recovers")

    def test_while_it_starts(self):
        v = self.victim
        most = self.calls_of_a_start(DISK)
        for where, after, forever, error in self.cases("start", most, 8):
            with self.point(where):
                v.board.clear()
                v.board.arm(DISK, after, forever, error)
                v.launch()
                harness.wait_for(f"{where}: an answer or the end", lambda: v.live() or not v.dustd.running())
                if not v.dustd.running():
                    self.ended(where, STARTED_OR_NOT)
                    continue
                if forever and random.random() < 0.5:
                    self.stop(where, WELL)  # with the disk still failing
                else:
                    self.recovers(where)
                    self.stop(where, WELL)
        self.finish("start", calls=most)

    def test_while_it_stores_and_publishes(self):
        v = self.victim
        self.ensure_runs()
        most = 3 * self.measured(v.progresses)
        for where, after, forever, error in self.cases("running", most, 10):
            with self.point(where):
                self.ensure_runs()
                v.board.arm(DISK, after, forever, error)
                harness.wait_for(f"{where}: the fault", v.board.failed)
                if forever:
                    self.measures_on(where)
                if forever and random.random() < 0.3:
                    self.stop(where, WELL)
                else:
                    self.recovers(where)
        self.stop("stop", WELL)
        self.finish("running", calls=most)

    def measures_on(self, where):
        """While nothing can be stored the meters are still read and the daemon still answers."""
        v = self.victim
        answers = lambda: (v.live() or {"buses": [{"answers": 0}]})["buses"][0]["answers"]
        before = answers()
        harness.wait_for(f"{where}: answers of the meters", lambda: answers() > before + 3)

    def test_while_a_person_acts(self):
        v = self.victim
        self.ensure_runs()
        issue = harness.wait_for("an issue", lambda: v.status()["issues"]["open"]) and \
            faultlib.json.loads(v.ctl("--json", "issues"))[0]["id"]
        act = ["issue", issue, "note", "现场看过", "--as", "inspector"]
        most = self.measured(lambda: v.ctl(*act))
        noted = 1
        for where, after, forever, error in self.cases("command", most, 6):
            with self.point(where):
                noted += self.asked(where, after, forever, error, act)
        steps = faultlib.json.loads(v.ctl("--json", "issue", issue))["nsteps"]
        self.assertGreater(steps, noted, "a note that was answered is missing")
        self.finish("command", calls=most, notes_kept=noted)

    def asked(self, where, after, forever, error, words):
        """dustctl, while the disk fails for a moment; whether it was told that all is well."""
        v = self.victim
        self.ensure_runs()
        v.board.arm(DISK, after, forever, error)
        with v.start_ctl(*words) as person:
            if forever:
                harness.wait_for(f"{where}: the fault", v.board.failed)
                time.sleep(0.1)  # so long it fails, whatever is tried
                v.board.disarm()
            answer = person.wait(harness.PATIENCE)
        self.recovers(where)
        return answer == 0

    def test_while_it_reloads(self):
        v = self.victim
        self.ensure_runs()
        v.edit()
        most = self.measured(lambda: v.ctl("reload"))
        for where, after, forever, error in self.cases("reload", most, 5):
            with self.point(where):
                v.edit()
                self.asked(where, after, forever, error, ["reload"])
        self.finish("reload", calls=most)

    def test_while_it_stops(self):
        v = self.victim
        self.ensure_runs()
        most = self.measured(lambda: self.stop("stop", WELL))
        for where, after, forever, error in self.cases("stop", most, 5):
            with self.point(where):
                self.ensure_runs()
                v.board.arm(DISK, after, forever, error)
                self.stop(where, WELL)
        self.finish("stop", calls=most)


if __name__ == "__main__":
    faultlib.main()
