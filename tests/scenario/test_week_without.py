"""The simulated week (simulated_week.py) with one input missing: it never passes what the whole week did not, and each verdict
that changes names what is missing. script/storm leaves out each input of the whole week in turn, the quick test some, drawn
by the seed, of a day on which they count."""
import json
import random

import harness
from simulated_week import B, INPUTS, NAMES, P, WEEK, WeekTest


class Without(WeekTest):
    def setUp(self):
        super().setUp()
        self.changed = 0

    def leave_out(self, missing, days):
        name = INPUTS[missing][0]

        def ended(site, day):
            rows = self.verdicts(site, day)
            for requirement, whole in zip(NAMES, WEEK[day]):
                row, text = rows[requirement], json.dumps(rows[requirement], ensure_ascii=False)
                if row["verdict"] == whole[0]:
                    continue
                self.changed += 1
                self.assertNotEqual(row["verdict"], P, f"without {missing} day {day} passes: {text}")
                # Missing evidence is no violation either; an excuse that nobody declares may be one.
                if missing != "calendar":
                    self.assertNotEqual(row["verdict"], B, f"without {missing} day {day} is a breach: {text}")
                self.assertIn(name, text, f"without {missing} day {day} changes and does not name it")

        before = self.changed
        self.play_days(days, ended, missing).close()
        self.assertGreater(self.changed, before, f"without {missing} nothing changes")

    def test_without_an_input_nothing_passes_that_did_not_and_it_is_named(self):
        left_out = list(INPUTS) if harness.STORM else random.sample(sorted(INPUTS), 2 if harness.SANITIZED else 4)
        for missing in left_out:
            print(f"without {missing}", flush=True)
            self.leave_out(missing, range(7) if harness.STORM else [INPUTS[missing][1]])


if __name__ == "__main__":
    harness.main()
