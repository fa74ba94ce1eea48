"""Acquisition waits for nobody: a broker that is away for hours costs no reading."""
import json
import unittest

import harness
import independent
import sites

RATE = 240
MINUTES = 12 * 60 if harness.STORM else 30
WARM, SOAK = (300, 3000) if harness.STORM else (30, 30)  # rows: a minute is one


class Outage(harness.ScenarioTest):
    def minutes(self, site):
        return {json.loads(r["body"])["ts"]: json.loads(r["body"])["points"]["meter/pm10"] for r in site.export_live("minute")}

    def test_polling_goes_on_while_the_broker_is_away(self):
        """thingsboard-gateway#2132: after a long outage of the Internet devices are no longer polled."""
        site = self.site(sites.BREACH_SIM, sites.BREACH, rate=RATE, start="2026-03-05T08:00:00+08:00")
        site.start_sim()
        site.start_dustd()
        harness.wait_for("the broker to be connected", lambda: site.status()["mqtt"][0]["connected"])
        site.broker.stop()
        harness.wait_for("the connection to be lost", lambda: not site.status()["mqtt"][0]["connected"])
        away_ms, taken = site.status()["now"], site.status()["mqtt"][0]["taken"]
        harness.wait_for("the outage to last", lambda: site.status()["now"] > away_ms + (MINUTES + 2) * 60000, patience=600)
        during = {ts: point for ts, point in self.minutes(site).items() if away_ms <= ts < away_ms + MINUTES * 60000}
        self.assertEqual(len(during), MINUTES)
        self.assertGreaterEqual(sum(p["n"] > 0 for p in during.values()), MINUTES - 2, during)
        self.assertEqual(site.status()["mqtt"][0]["taken"], taken)  # influxdata/telegraf#14750: writes "succeed" with the broker off
        site.broker.start()
        harness.wait_for("the rows of that time to arrive", lambda: site.status()["mqtt"][0]["behind"] < 20, patience=600)

    def test_a_reconnect_of_the_broker_costs_the_journal_nothing(self):
        """thingsboard-gateway#2124: the store is destroyed at every reconnect."""
        site = self.site(sites.BREACH_SIM, sites.BREACH, rate=RATE, start="2026-03-05T08:00:00+08:00")
        site.start_sim()
        site.start_dustd()
        watcher = site.watcher()
        for times in range(1, 4):
            rows = site.status()["seq"]
            harness.wait_for("more rows", lambda: site.status()["seq"] > rows + 2)
            site.broker.stop()
            harness.wait_for("the connection to be lost", lambda: not site.status()["mqtt"][0]["connected"])
            site.broker.start()
            harness.wait_for("the connection to be back", lambda: site.status()["mqtt"][0]["reconnects"] == times)
        self.assertEqual(site.dustd.stop(), 0)
        rows = site.export("--rows")[0]
        self.assertEqual([row["seq"] for row in rows], list(range(1, len(rows) + 1)))
        self.assertTrue(independent.chain_is_whole(rows))
        kept = {row["seq"]: row["hash"] for row in rows}
        self.assertTrue(watcher.rows())
        for seq, message in watcher.rows():
            self.assertEqual(message["hash"], kept[seq])


class Soak(harness.ScenarioTest):
    @unittest.skipIf(harness.SANITIZED, "a sanitizer keeps what was freed")
    def test_memory_stays_flat_with_the_broker_off_and_half_the_units_dead(self):
        """mqmgateway, modmqtt.cpp: "if broker is down and modbus is up then mSlaveQueues will grow forever"; wb-mqtt-serial 2.93.3."""
        dead = "faults:\n" + "".join(f"  - {{kind: silent, unit: meter{i}, from: 5s}}\n" for i in (3, 4))
        site = self.site(sites.LOADED_SIM + dead, sites.LOADED, rate=60, start="2026-03-05T08:00:00+08:00")
        site.start_sim()
        site.start_dustd()
        harness.wait_for("the broker to be connected", lambda: site.status()["mqtt"][0]["connected"])
        site.broker.stop()
        harness.wait_for("half the units to be dead", lambda: site.status()["devices"]["quarantined"] == 2)
        rows = lambda: site.status()["committed"]
        first = rows()
        harness.wait_for("it to have settled", lambda: rows() > first + WARM, patience=600)
        before = site.status()["process"]["rss_bytes"]
        harness.wait_for("time to pass", lambda: rows() > first + WARM + SOAK, patience=3600)
        self.assertLess(site.status()["process"]["rss_bytes"] - before, 1000000)
        self.assertFalse(site.status()["mqtt"][0]["connected"])


if __name__ == "__main__":
    harness.main()
