"""Each fault of the line: its change of state is said once, recovery is by itself, and no value is wrong or invented."""
import json
import os
from concurrent.futures import ThreadPoolExecutor

import harness
import sites

FAULTS = ("silent", "crc", "late", "exception", "truncated", "wrong_unit", "drip", "garbage", "stuck", "invalid", "unplug")


class Run:
    """A site whose meter always measures 100 ug/m3, with one fault from its second minute to its seventh."""

    def __init__(self, fault):
        self.site = harness.Site(sites.faulty_sim(fault), sites.FAULTY, rate=60, start="2026-03-05T08:00:00+08:00",
                                 broker=False)
        try:
            self.site.start_sim()
            self.site.start_dustd()
            harness.wait_for(f"{fault} to be over", self.is_over)
            self.status = self.site.dustd.stop()
            self.rows, self.samples = self.site.export()
            self.said = self.site.dustd.text().splitlines()
        finally:
            self.site.close()

    def is_over(self):
        """Two whole minutes after the fault."""
        last = [json.loads(m["body"])["points"]["meter/pm10"]["q"] for m in self.site.export_live("minute")]
        return len(last) > 8 and last[-2:] == ["N", "N"]

    def points(self):
        return [s for s in self.samples if s["point"] == "meter/pm10"]

    def states(self, kind="device"):
        bodies = [json.loads(r["body"]) for r in self.rows if r["kind"] == kind]
        return [b["state"] for b in bodies if "state" in b]  # a device row may also be about a setting of it


class Faults(harness.ScenarioTest):
    @classmethod
    def setUpClass(cls):
        with ThreadPoolExecutor(4) as pool:
            cls.runs = dict(zip(FAULTS, pool.map(Run, FAULTS)))

    def ran(self, fault, *reasons):
        """The run, in which no value was wrong and reads failed for these reasons only."""
        run = self.runs[fault]
        self.assertEqual(run.status, 0)
        for s in run.points():
            if "v" in s:
                self.assertEqual(s["v"], 100.0, s)
            else:
                self.assertNotEqual(s["q"], "N")
        failed = {s["why"] for s in run.points() if s["q"] != "N"}
        self.assertEqual(bool(failed), bool(reasons), "whether the fault was seen")
        self.assertLessEqual(failed, set(reasons))
        self.assertEqual(run.points()[-1]["q"], "N")
        return run

    def fails_and_recovers(self, fault, *reasons):
        run = self.ran(fault, *reasons)
        self.assertEqual(run.states(), ["up", "quarantined", "up"])
        said = [l for l in run.said if "stopped answering" in l]
        self.assertEqual(len(said), 1, said)

    def is_refused_and_well_again(self, fault, reason):
        run = self.ran(fault, reason)
        self.assertEqual(run.states(), ["up"], "a unit that answers is there")
        said = [l for l in run.said if "meter/pm10" in l]
        self.assertEqual(len(said), 2, "no valid minute, and valid again: " + str(said))

    def test_a_silent_unit(self):
        self.fails_and_recovers("silent", "no answer")

    def test_answers_with_a_broken_checksum(self):
        # at this rate it is asked so often that no question is left to which no late answer could be taken for the answer
        self.fails_and_recovers("crc", "garbled answer", "no answer")

    def test_truncated_answers(self):
        self.fails_and_recovers("truncated", "garbled answer", "no answer")

    def test_answers_that_come_too_late(self):
        self.fails_and_recovers("late", "no answer", "garbled answer")

    def test_answers_in_another_units_name(self):
        self.fails_and_recovers("wrong_unit", "garbled answer", "no answer")

    def test_answers_that_drip(self):
        self.fails_and_recovers("drip", "garbled answer", "no answer")

    def test_garbage(self):
        self.fails_and_recovers("garbage", "garbled answer", "no answer")

    def test_exceptions(self):
        self.is_refused_and_well_again("exception", "exception 4")

    def test_an_invalid_value_is_no_reading(self):
        self.is_refused_and_well_again("invalid", "invalid value")

    def test_a_stuck_value_is_what_the_unit_says(self):
        self.ran("stuck")

    def test_an_unplugged_adapter(self):
        run = self.ran("unplug", "line gone", "no answer")
        self.assertEqual(run.states("line"), ["up", "down", "up"])
        said = [l for l in run.said if "bus bus1: gone" in l]
        self.assertEqual(len(said), 1, said)


class Mixture(harness.ScenarioTest):
    def test_faults_in_any_mixture_give_no_wrong_value(self):
        """Answers up to seven time-outs late among them, which overtake later questions or arrive in their place."""
        polls = int(os.environ.get("DUST_QUESTIONS", "400"))
        site = self.site(sites.MIXED_SIM, sites.MIXED, rate=20, start="2026-03-05T08:00:00+08:00", broker=False)
        os.mkdir(os.path.join(site.dir, "devices"))
        site.write("devices/mixed.yaml", sites.MIXED_PROFILE)
        site.start_sim("--devices", os.path.join(site.dir, "devices"))
        site.start_dustd()
        harness.wait_for(f"{polls} polls", lambda: site.sim_polls_at_least(polls), 120 if polls < 1000 else 7200)
        self.assertEqual(site.dustd.stop(), 0)
        samples = site.export()[1]
        expected = {f"unit{u}/p{i}": sites.mixed_value(u, i) for u in sites.MIXED_UNITS for i in range(5)}
        values = [s for s in samples if "v" in s]
        wrong = [s for s in values if s["v"] != expected[s["point"]] or s["q"] != "N"]
        why = {w: sum(s.get("why") == w for s in samples) for w in sorted({s["why"] for s in samples if "why" in s})}
        print(f"RESULT mixed faults: {polls} polls, {len(values)} values, {len(wrong)} wrong; without a value: {why}")
        self.assertEqual(wrong, [])
        self.assertGreater(len(values), polls / 4)


if __name__ == "__main__":
    harness.main()
