"""What the daemon keeps resident after hours of a site's time, in numbers that were promised. Memory knows no busy machine: the promise is the
limit. `tests/bench/memory.py` shows the same by mapping."""
import os
import sys
import time

import harness

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "bench"))
import bench_site  # noqa: E402
import gauges  # noqa: E402

RATE = 600
HOURS = 96 if harness.STORM else 3  # after four days the judge's minutes and the windows that are remembered are full
MIB = 1024


class Memory(harness.ScenarioTest):
    def kept(self, site, polls):
        """MiB resident after HOURS, of a daemon that has read its units all the while."""
        with site:
            time.sleep(HOURS * 3600 / RATE)
            kib = gauges.memory_kib(site.dustd.popen.pid)
            log, _ = site.finished()
        answers = [p for p in log if p["outcome"] == "answer"]
        self.assertGreater(len(answers), polls)
        print(f"{HOURS} h: {kib['resident'] / MIB:.2f} MiB resident, {kib['own'] / MIB:.2f} its own; {len(answers)} answers")
        return kib["resident"] / MIB

    def test_eight_units_on_a_line_take_at_most_8_mib_for_good(self):
        self.assertLess(self.kept(bench_site.serial(8, 115200, "60s", rate=RATE), HOURS * 8 * 60 / 3), 8)

    def test_fifty_tcp_hosts_take_at_most_12_mib_for_good(self):
        self.assertLess(self.kept(bench_site.hosts(50, "60s", 0, rate=RATE), HOURS * 50 * 60 / 3), 12)


if __name__ == "__main__":
    if harness.SANITIZED:
        print("skipped: a sanitizer's own memory is many times ours")
        sys.exit(harness.SKIP)
    harness.main()
