"""The simulated week (simulated_week.py) ends with the verdicts written down before. script/storm plays all of it, the quick
test two of its days."""
import json
import subprocess

import harness
import replayed
from harness import HANGS, wait_for
from simulated_week import B, MISSING, MON, NAMES, P, TUE, U, WEEK, WeekTest, at


class Requirements(WeekTest):
    def ended(self, site, day):
        rows = self.verdicts(site, day)
        judged = tuple(tuple(rows[name][of] for of in ("verdict", "num", "den", "unknown", "excused")) for name in NAMES)
        self.assertEqual(judged, WEEK[day], f"day {day}: {json.dumps(rows, ensure_ascii=False, indent=1)}")
        for name in NAMES:
            if (day, name) in MISSING:
                self.assertIn(MISSING[day, name], json.dumps(rows[name]))
        self.board(site, day)

    def board(self, site, day):
        """dustctl and the broker tell how the new day stands and how this one ended."""
        board = json.loads(site.ctl("--json", "requirements"))["requirements"]
        self.assertEqual([line["name"] for line in board], list(NAMES))
        self.assertEqual([(line["last_day"]["verdict"], line["last_day"]["num"], line["last_day"]["den"]) for line in board],
                         [wanted[:3] for wanted in WEEK[day]])
        self.assertTrue(all(line["since"] >= at(day, "24:00") for line in board))
        shown = site.ctl("--lang", "zh", "requirements")
        self.assertIn("洒水", shown)
        self.assertIn({P: "达标", B: "不达标", U: "不可判定"}[WEEK[day][0][0]], shown)
        watcher = site.watcher("dust/1/example/requirements", f"board{day}")
        retained = wait_for("the board at the broker", lambda: watcher.messages("requirements"), HANGS)[-1]
        self.assertTrue(retained[0])
        self.assertEqual([line["name"] for line in retained[2]["requirements"]], list(NAMES))

    def judged_anew(self, site):
        """A back-test of the export says what the daemon said, of every day, but for what it does not do at all."""
        done = subprocess.run([harness.program("dustctl"), "--db", site.database(), "export"], capture_output=True, text=True,
                              timeout=HANGS, check=True)
        lines = done.stdout.splitlines()
        mine = replayed.said(lines)
        self.assertGreater(len(replayed.said(lines, ("requirement",))), len(NAMES))
        self.assertGreater(len(replayed.said(lines, ("issue",))), 1)
        self.assertEqual(replayed.anew(site, lines), mine)
        kinds = {row["kind"] for row in map(json.loads, lines) if "kind" in row}
        self.assertLessEqual(kinds - set(replayed.KINDS), replayed.NOT_SAID_ANEW)

    def issues(self, site):
        """(kind, subject, cause) of every issue that was opened."""
        rows, _ = site.export("--rows")
        steps = [json.loads(row["body"]) for row in rows if row["kind"] == "issue"]
        return {tuple(step["about"][k] for k in ("kind", "subject", "cause")) for step in steps if step["step"] == "open"}

    def test_days_end_with_the_verdicts_written_down_before(self):
        site = self.play_days(range(7) if harness.STORM else (MON, TUE), self.ended)
        wanted = {("requirement", "enclosure", "gate-shut/state"), ("wash", "washing", "washed/wash_none")}
        if harness.STORM:
            wanted |= {("wash", "washing", "washed/wash_short"), ("requirement", "covering", "soil/too_much"),
                       ("requirement", "transport", "covered/uncovered")}
        self.assertEqual(self.issues(site), wanted)
        self.judged_anew(site)


if __name__ == "__main__":
    harness.main()
