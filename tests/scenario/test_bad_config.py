"""A wrong configuration: exit 78 with one message that says where, what was found and what is allowed."""
import unittest

import harness
import sites

GOOD = sites.FAULTY.replace("devices:", "limits:\n  shanxi-taiyuan: {person: site-manager}\ndevices:")
# what is wrong, the text that goes, the text that comes, words that the message must have
CASES = (
    ("an unknown key", "period: 2s", "perod: 2s", ("perod", "period")),
    ("a duplicate name", "people:", "people:\n  office: {title: x, roles: [site]}", ("office", "twice")),
    ("a wrong type", "unit_id: 1", "unit_id: one", ("unit_id", "one", "255")),
    ("a number with a unit stuck to it", "period: 2s", "period: 150ug", ("150ug",)),
    ("an octal number", "unit_id: 1", "unit_id: 010", ("010",)),
    ("a misspelt switch", "baud: 115200", "baud: flase", ("flase",)),
    ("out of range", "unit_id: 1", "unit_id: 256", ("256", "255")),
    ("a dangling reference", "bus: bus1,", "bus: bus2,", ("bus2", "bus1")),
    ("two devices with one unit id", "devices:", "devices:\n  other: {title: {zh: 二, en: two}, bus: bus1, "
     "profile: nova-sds069, unit_id: 1}", ("unit_id", "1")),
)
BAD_LIMIT = sites.LIMIT_15MIN.replace("250 ug/m3", "5 m/s")


class BadConfig(harness.ScenarioTest):
    def refused(self, config):
        site = self.site(sites.BREACH_SIM, config, broker=False)
        site.write("limits/test-15min.yaml", BAD_LIMIT if "test-15min" in config else sites.LIMIT_15MIN)
        code, out, err = site.run_dustd("--check")
        self.assertEqual(code, 78, out + err)
        self.assertEqual(len(err.strip().splitlines()), 1, "one message: " + err)
        self.assertRegex(err, r"\.yaml:\d+:\d+: ")
        print(err.replace(site.dir, "").strip())
        return err

    def test_each_mistake_is_refused_with_its_place_and_what_is_allowed(self):
        for name, gone, come, words in CASES:
            with self.subTest(name):
                self.assertIn(gone, GOOD)
                message = self.refused(GOOD.replace(gone, come, 1))
                for word in words:
                    self.assertIn(word, message)

    def test_a_limit_whose_unit_does_not_fit_is_refused(self):
        message = self.refused(GOOD.replace("shanxi-taiyuan", "test-15min"))
        self.assertIn("m/s", message)

    def test_what_is_printed_loads_to_the_same(self):
        site = self.site(sites.BREACH_SIM, GOOD, broker=False)
        code, first, err = site.run_dustd("--print")
        self.assertEqual(code, 0, err)
        site.config_file = site.write("printed.yaml", "")
        with open(site.config_file, "w") as f:
            f.write(first)
        code, second, err = site.run_dustd("--print")
        self.assertEqual(code, 0, err)
        self.assertEqual(second, first)

    def test_a_simulation_touches_ptys_and_loopback_only(self):
        for gone, come in (("path: {dir}/bus1", "path: /dev/ttyS0"), ("path: {dir}/bus1", "path: {dir}/sim.yaml")):
            site = self.site(sites.BREACH_SIM, GOOD.replace(gone, come), broker=False)
            code, _, err = site.run_dustd("--simulated", "--once")
            self.assertEqual(code, 78, err)
            self.assertIn("simulated", err)


if __name__ == "__main__":
    harness.main()
