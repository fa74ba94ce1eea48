"""Acquisition waits for nobody: a broker that is away for hours costs no reading."""
import json

import harness
import sites

RATE = 240
MINUTES = 12 * 60 if harness.STORM else 30


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
        away_ms = site.status()["now"]
        harness.wait_for("the outage to last", lambda: site.status()["now"] > away_ms + (MINUTES + 2) * 60000, patience=600)
        during = {ts: point for ts, point in self.minutes(site).items() if away_ms <= ts < away_ms + MINUTES * 60000}
        self.assertEqual(len(during), MINUTES)
        self.assertGreaterEqual(sum(p["n"] > 0 for p in during.values()), MINUTES - 2, during)
        site.broker.start()
        harness.wait_for("the rows of that time to arrive", lambda: site.status()["mqtt"][0]["behind"] < 20, patience=600)


if __name__ == "__main__":
    harness.main()
