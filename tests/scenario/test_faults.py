"""Each fault of the line: its change of state is said once, recovery is by itself, and no value is wrong or invented."""
import json
import os

import harness
import sites


class Faults(harness.ScenarioTest):
    def ran(self, fault):
        """A site whose meter always measures 100 ug/m3, with one fault from its second minute to its seventh."""
        site = self.site(sites.faulty_sim(fault), sites.FAULTY, rate=60, start="2026-03-05T08:00:00+08:00", broker=False)
        site.start_sim()
        site.start_dustd()
        harness.wait_for("it to be over", lambda: self.is_over(site.export_live("minute")))
        self.assertEqual(site.dustd.stop(), 0)
        self.rows, self.samples = site.export()
        return site

    def is_over(self, minutes):
        """Two whole minutes after the fault."""
        last = [json.loads(m["body"])["points"]["meter/pm10"]["q"] for m in minutes]
        return len(last) > 8 and last[-2:] == ["N", "N"]

    def points(self):
        return [s for s in self.samples if s["point"] == "meter/pm10"]

    def no_value_is_wrong(self):
        for s in self.points():
            if "v" in s:
                self.assertEqual(s["v"], 100.0, s)
            else:
                self.assertNotEqual(s["q"], "N")
        self.assertTrue([s for s in self.points() if s["q"] == "N"])

    def states(self, kind="device"):
        return [json.loads(r["body"])["state"] for r in self.rows if r["kind"] == kind]

    def failed_with(self, *reasons):
        failed = {s["why"] for s in self.points() if s["q"] != "N"}
        self.assertTrue(failed, "the fault was seen")
        self.assertLessEqual(failed, set(reasons))

    def fails_and_recovers(self, fault, *reasons):
        site = self.ran(fault)
        self.no_value_is_wrong()
        self.failed_with(*reasons)
        self.assertEqual(self.states(), ["up", "down", "up"])
        self.assertEqual(self.points()[-1]["q"], "N")
        said = [l for l in site.dustd.text().splitlines() if "stopped answering" in l]
        self.assertEqual(len(said), 1, said)

    def test_a_silent_unit(self):
        self.fails_and_recovers("silent", "no answer")

    def test_answers_with_a_broken_checksum(self):
        self.fails_and_recovers("crc", "garbled answer")

    def test_truncated_answers(self):
        self.fails_and_recovers("truncated", "garbled answer", "no answer")

    def test_answers_that_come_too_late(self):
        self.fails_and_recovers("late", "no answer", "garbled answer")

    def test_answers_in_another_units_name(self):
        self.fails_and_recovers("wrong_unit", "garbled answer", "no answer")

    def test_exceptions(self):
        site = self.ran("exception")
        self.no_value_is_wrong()
        self.failed_with("exception 4")
        self.assertEqual(self.states(), ["up"], "a unit that refuses is there")
        said = [l for l in site.dustd.text().splitlines() if "meter/pm10" in l]
        self.assertEqual(len(said), 2, "refused, and well again: " + str(said))

    def test_an_invalid_value_is_no_reading(self):
        self.ran("invalid")
        self.no_value_is_wrong()
        self.failed_with("invalid value")

    def test_an_unplugged_adapter(self):
        self.ran("unplug")
        self.no_value_is_wrong()
        self.failed_with("line gone", "no answer")
        self.assertEqual(self.states("line"), ["up", "down", "up"])


if __name__ == "__main__":
    harness.main()
