"""What --check says of an uplink's month is what a subscriber sees, counted by other means."""
import json
import math
import re
import unittest

import harness
import sites

MINUTES = 60 if harness.STORM else 12
SEGMENT, PUBACK = 52, 4  # IPv4 and TCP with time stamps; MQTT's acknowledgement


def on_the_line(topic, payload, qos):
    """MQTT 5's PUBLISH, TCP's headers and answers."""
    rest = 2 + len(topic) + (2 if qos else 0) + 1 + payload
    packet = 1 + (1 if rest < 128 else 2) + rest
    return packet + math.ceil(packet / 1388) * SEGMENT + SEGMENT + (PUBACK + SEGMENT if qos else 0)


class Cost(harness.ScenarioTest):
    def month(self, site, column):
        code, out, err = site.run_dustd("--check")
        self.assertEqual(code, 0, err)
        print(out.replace(site.dir, ""))
        return [int(n) for n in re.search(r"^  local +(\d+) +(\d+) +(\d+) +(\d+)", out, re.M).groups()][column]

    def counted(self, watcher, kinds):
        """Bytes of the line a minute of site time, from what the subscriber wrote down."""
        with open(watcher.file, errors="replace") as f:
            lines = [line.rstrip("\n").split(" ", 2) for line in f if line.count(" ") >= 2 and line.endswith("\n")]
        minutes = [i for i, (_, topic, _) in enumerate(lines) if topic.endswith("/minute")]
        between = lines[minutes[0] + 1:minutes[-1] + 1]
        return sum(on_the_line(topic, len(text.encode()), 0 if "/live/" in topic else 1) for _, topic, text in between
                   if any(kind in topic for kind in kinds)) / (len(minutes) - 1)

    def test_the_month_of_an_uplink_is_near_what_a_subscriber_counts(self):
        site = self.site(sites.BREACH_SIM, sites.BREACH, rate=60, start="2026-03-05T06:01:00+08:00")
        site.start_sim()
        watcher = site.watcher()
        site.start_dustd()
        harness.wait_for(f"{MINUTES} minutes", lambda: len([1 for _, t, _ in watcher.messages("/minute")]) > MINUTES + 1)
        for name, column, kinds in (("rows", 0, ["/minute"]), ("live", 1, ["/live/"])):
            counted = self.counted(watcher, kinds) * 1440 * 30 / 1e6
            said = self.month(site, column)
            print(f"RESULT {name}: --check says {said} MB a month, counted {counted:.1f} MB over {MINUTES} minutes")
            self.assertLess(abs(said - counted), 0.15 * counted)
        health = max(len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()) for _, _, body in watcher.messages("/health"))
        print(f"RESULT health: {health} bytes")
        self.assertLess(abs(800 + 350 + 395 - health), 0.15 * health)  # cost.c's reckoning, one bus and one broker


if __name__ == "__main__":
    harness.main()
