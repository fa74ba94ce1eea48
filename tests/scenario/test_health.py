"""How the daemon is, as status, as the topic health, and as metrics."""
import subprocess

import harness
import sites
from harness import ScenarioTest, wait_for


class Health(ScenarioTest):
    def start(self, config=sites.BREACH):
        self.s = self.site(sites.BREACH_SIM, config, rate=60, start="2026-03-05T08:00:00+08:00")
        self.s.start_sim()
        return self.s

    def warnings(self):
        return [(w["what"], w.get("about")) for w in self.s.status()["warnings"]]

    def test_a_broker_that_is_gone_shows_with_its_reason_and_the_age_of_what_it_lacks(self):
        s = self.start()
        watcher = s.watcher()
        s.start_dustd()
        retained = wait_for("health without a warning", lambda: [
            m for _, topic, m in watcher.messages("/health") if m and not m["warnings"] and "load" in m["buses"][0]])
        self.assertTrue(retained[-1]["simulated"])
        self.assertIn("bus/bus1", [q["name"] for q in retained[-1]["queues"]])
        s.broker.stop()
        wait_for("the warning", lambda: ("broker_down", "local") in self.warnings())
        behind = wait_for("rows that wait", lambda: [m for m in s.status()["mqtt"] if m.get("oldest_ms", 0) > 60000])[0]
        self.assertGreater(behind["behind"], 0)
        self.assertTrue(behind["why"])
        self.assertIn("MQTT 未连接：local", s.ctl("status"))
        s.broker.start()
        wait_for("no warning", lambda: self.warnings() == [])
        wait_for("nothing behind", lambda: s.status()["mqtt"][0]["behind"] == 0)
        self.assertNotIn("oldest_ms", s.status()["mqtt"][0])

    def test_a_certificate_warns_30_days_before_its_end_and_when_it_cannot_be_read(self):
        folder = self.site(sites.BREACH_SIM, sites.BREACH, broker=False).dir
        for name, days in (("ca", 29), ("good", 300)):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", f"/CN={name}", "-days", str(days),
                            "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"], check=True, capture_output=True)
        with open(f"{folder}/none.pem", "w", encoding="utf-8") as out:
            out.write("no certificate\n")
        config = sites.BREACH.replace(sites.BROKER, f"""
mqtt:
  soon: {{host: 127.0.0.1, port: 9, ca_file: {folder}/ca.pem, cert_file: {folder}/good.pem, key_file: {folder}/good.key}}
  never: {{host: 127.0.0.1, port: 10, ca_file: {folder}/none.pem}}
""")
        self.s = self.site(sites.BREACH_SIM, config, broker=False, rate=1)  # site time is the real one
        self.s.start_sim()
        self.s.start_dustd()
        certificates = wait_for("certificates looked at", lambda: [
            c for c in self.s.status()["certificates"] if "days" in c] and self.s.status()["certificates"])
        self.assertEqual([(c["broker"], c["what"], c.get("days")) for c in certificates],
                         [("soon", "ca", 28), ("soon", "client", 299), ("never", "ca", None)])
        found = self.warnings()
        self.assertIn(("certificate_ends", f"{folder}/ca.pem"), found)
        self.assertIn(("certificate_unreadable", f"{folder}/none.pem"), found)
        self.assertNotIn(("certificate_ends", f"{folder}/good.pem"), found)
        self.assertIn("certificate ends within 30 days", self.s.ctl("status", "--lang", "en"))

    def test_a_dead_meter_is_a_warning_that_goes_when_it_answers(self):
        self.s = self.site(sites.faulty_sim("silent"), sites.FAULTY, broker=False, rate=30)
        self.s.start_sim()
        self.s.start_dustd()
        wait_for("the warning", lambda: ("device_down", "meter") in self.warnings())
        wait_for("no warning", lambda: self.warnings() == [])


if __name__ == "__main__":
    harness.main()
