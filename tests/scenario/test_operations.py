"""Follows the broker section of docs/operations.md: its authority, its mosquitto.conf, its ACL, its dustd.yaml. Then
tries what they are there to prevent."""
import json
import os
import re
import shutil
import subprocess
import unittest

import harness
import sites

PAGE = os.path.join(harness.SOURCE, "docs", "operations.md")
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.M | re.S)
CONFIG = (sites.HEAD.replace("name: example\n", "name: example-site\n") + sites.BUS + sites.DEVICES + sites.LIMITS)


@unittest.skipUnless(shutil.which("openssl") and shutil.which("mosquitto_pub"), "needs openssl and mosquitto-clients")
class Broker(harness.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.s = self.site(sites.BREACH_SIM, CONFIG, broker=False, start="2026-05-01T08:00+08:00")
        self.port = harness.free_port()
        self.certificates = os.path.join(self.s.dir, "dust")
        os.mkdir(self.certificates)
        with open(PAGE) as f:
            page = f.read()
        section = page.split("## Broker with TLS and ACL")[1].split("\n## ")[0]
        for kind, name, text in BLOCK.findall(section):
            self.follow(kind, name, self.here(text))
        self.broker = harness.Process([harness.mosquitto(), "-c", os.path.join(self.certificates, "mosquitto.conf")],
                                      os.path.join(self.s.dir, "mosquitto.log"))
        self.addCleanup(self.broker.stop)
        harness.wait_for("the broker to run", lambda: "running" in self.broker.text())

    def here(self, text):
        """The page's names in this test's world."""
        for name, ours in (("mqtt.example.org", "localhost"), ("/etc/mosquitto/dust", self.certificates),
                           ("/etc/dustd/cred", self.certificates), ("/var/lib/mosquitto", self.certificates),
                           ("8883", str(self.port))):
            text = text.replace(name, ours)
        return text

    def follow(self, kind, name, text):
        if kind == "sh":
            done = subprocess.run(["sh", "-ec", text], cwd=self.certificates, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        elif kind == "conf":
            user = "user root\n" if name == "mosquitto.conf" and os.geteuid() == 0 else ""
            with open(os.path.join(self.certificates, name), "w") as f:
                f.write(text + user)
        elif kind == "yaml":
            with open(self.s.config_file, "a") as f:
                f.write(text)
        else:
            self.fail(f"a block of kind {kind}")

    def client(self, program, who, *args):
        """A mosquitto client with the certificate of `who` (None: without one): its arguments."""
        mine = ["--cert", f"{self.certificates}/{who}.crt", "--key", f"{self.certificates}/{who}.key"] if who else []
        return [program, "-h", "localhost", "-p", str(self.port), "--cafile", f"{self.certificates}/ca.crt", *mine,
                "-V", "mqttv5", *args]

    def publish(self, who, topic, *args, text="forged"):
        """What mosquitto_pub says about a message at QoS 1, with its debug output."""
        done = subprocess.run(self.client("mosquitto_pub", who, "-d", "-q", "1", "-t", topic, "-m", text, *args),
                              capture_output=True, text=True, timeout=harness.PATIENCE)
        return done.returncode, done.stdout + done.stderr

    def read(self, who):
        """Everything that comes to `who` below dust/1."""
        log = os.path.join(self.s.dir, f"read-{who}.txt")
        reader = harness.Process(["stdbuf", "-oL"] + self.client("mosquitto_sub", who, "-t", "dust/1/#", "-q", "1", "-v", "-d"),
                                 log)
        self.addCleanup(reader.stop)
        harness.wait_for(f"{who} to have subscribed", lambda: "SUBACK" in reader.text())
        return reader

    def run_site(self):
        self.s.start_sim()
        self.s.start_dustd()
        harness.wait_for("dustd to be connected", lambda: self.s.status()["mqtt"][0]["connected"])

    def test_the_gateways_rows_reach_the_office_and_nobody_else(self):
        office, other = self.read("office"), self.read("other-site")
        self.run_site()
        harness.wait_for("rows at the office", lambda: "dust/1/example-site/minute {" in office.text())
        self.assertNotIn("dust/1/example-site", other.text())

    def test_another_gateway_cannot_write_below_its_name(self):
        self.assertIn("Not authorized", self.publish("office", "dust/1/example-site/event")[1])
        office = self.read("office")  # one connection a certificate: two would push each other off
        self.assertEqual(self.publish("other-site", "dust/1/other-site/event")[0], 0)
        harness.wait_for("what is its own", lambda: "dust/1/other-site/event forged" in office.text())
        self.assertIn("Not authorized", self.publish("other-site", "dust/1/example-site/event")[1])
        self.assertEqual(self.publish("other-site", "dust/1/other-site/event", text="the last")[0], 0)
        harness.wait_for("the last message", lambda: "event the last" in office.text())
        self.assertNotIn("dust/1/example-site", office.text())

    def test_without_a_certificate_nobody_gets_in(self):
        code, said = self.publish(None, "dust/1/example-site/event")
        self.assertNotEqual(code, 0)
        self.assertNotIn("PUBACK", said)

    def test_a_person_commands_with_his_certificate_and_nobody_in_his_name(self):
        with open(self.s.config_file) as f:
            text = f.read().replace("roles: [office]}", "roles: [office], mqtt_user: office}")
        with open(self.s.config_file, "w") as f:
            f.write(text.rstrip("\n") + "\n    commands: true\n")
        self.run_site()
        harness.wait_for("commands to be taken", lambda: self.s.status()["mqtt"][0].get("commands") == "closed")
        command = json.dumps({"id": "a1", "expires": self.s.status()["now"] + 500000, "do": "stage", "stage": "earthwork"})
        self.assertIn("Not authorized", self.publish("other-site", "dust/1/example-site/cmd/office", text=command)[1])
        self.assertIn("Not authorized", self.publish("office", "dust/1/example-site/cmd/other-site", text=command)[1])
        self.assertEqual(self.s.export_live("stage"), [])
        self.assertEqual(self.publish("office", "dust/1/example-site/cmd/office", text=command)[0], 0)
        row = harness.wait_for("the row", lambda: self.s.export_live("stage"))[0]
        self.assertEqual(json.loads(row["body"])["by"], "office")

    def test_another_certificate_does_not_push_the_gateway_off(self):
        self.run_site()
        before = self.s.status()["mqtt"][0]
        self.publish("other-site", "dust/1/other-site/event", "-i", "dustd-example-site")
        self.publish("other-site", "dust/1/other-site/event", "-i", "example-site")
        taken = before["taken"]
        harness.wait_for("rows after that", lambda: self.s.status()["mqtt"][0]["taken"] > taken)
        after = self.s.status()["mqtt"][0]
        self.assertEqual((after["connected"], after["reconnects"]), (True, before["reconnects"]))
        self.assertNotIn("already connected", self.broker.text())


if __name__ == "__main__":
    harness.main()
