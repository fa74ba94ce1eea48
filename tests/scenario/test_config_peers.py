"""Complaints of other gateways' users that concern the configuration, each by its name."""
import os
import unittest

import harness
import sites


class ConfigPeers(harness.ScenarioTest):
    def test_modbus2mqtt_294_a_device_whose_profile_does_not_load_is_no_silent_device_but_no_start(self):
        site = self.site(sites.BREACH_SIM, sites.BREACH)
        os.mkdir(os.path.join(site.dir, "devices"))
        for broken, place in (("points:\n", ":1:1: "), ("title: {zh: 表, en: Meter}\npoints: {pm10: {address: 0, type: u99}}\n", ":2:35: ")):
            site.write("devices/nova-sds069.yaml", broken)
            for verb in ((), ("--check",), ("--once",)):
                code, _, err = site.run_dustd(*verb)
                self.assertEqual(code, 78, err)
                self.assertIn("devices/nova-sds069.yaml" + place, err)

    def test_terrariumpi_734_a_destroyed_database_takes_no_limit_with_it(self):
        site = self.site(sites.BREACH_SIM, sites.BREACH)
        site.start_sim()
        site.start_dustd()
        before = harness.wait_for("a settings row", lambda: site.export_live("settings"))[-1]["body"]
        site.dustd.stop()
        printed = site.run_dustd("--print")
        for name in os.listdir(os.path.dirname(site.database())):
            if name.startswith("dust.db"):
                with open(os.path.join(os.path.dirname(site.database()), name), "wb") as f:
                    f.write(os.urandom(65536))
        self.assertEqual(site.run_dustd("--print"), printed)
        self.assertIn('value: "250 ug/m3"', printed[1])
        site.start_dustd()
        after = harness.wait_for("a settings row", lambda: site.export_live("settings"))[-1]["body"]
        self.assertEqual(after.partition('"sha256"')[2], before.partition('"sha256"')[2])

    def test_thingsboard_gateway_959_the_check_says_how_large_the_store_becomes(self):
        site = self.site(sites.BREACH_SIM, sites.BREACH, broker=False)
        code, out, _ = site.run_dustd("--check")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"Disk: about \d+ MB a year")


if __name__ == "__main__":
    harness.main()
