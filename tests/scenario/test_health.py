"""How the daemon is, as status, as the topic health, and as metrics."""
import os
import re
import shutil
import stat
import subprocess

import harness
import sites
from harness import ScenarioTest, wait_for


NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)')


def parse_metrics(text):
    """{(name, labels): value}, by the rules of Prometheus' text format 0.0.4; AssertionError where it breaks one."""
    found, families, family = {}, {}, None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family, told = line[7:].split(" ", 1)
            assert NAME.fullmatch(family) and family not in families and told, line
            families[family] = None
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == family and families[name] is None and kind in ("gauge", "counter"), line
            assert (kind == "counter") == name.endswith("_total"), line
            families[name] = kind
        else:
            match = re.fullmatch(r"([^{ ]+)(?:\{(.*)\})? (\S+)", line)
            assert match and match[1] == family and families[family], line
            labels, rest = {}, match[2] or ""
            while rest:
                pair = LABEL.match(rest)
                assert pair and pair[1] not in labels and not pair[1].startswith("__"), line
                labels[pair[1]] = re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), pair[2])
                rest = rest[pair.end():]
            key = (match[1], tuple(sorted(labels.items())))
            assert key not in found, f"twice: {line}"
            found[key] = float(match[3])
    return found


class Metrics(ScenarioTest):
    def one(self, found, name, **labels):
        return [value for (family, of), value in found.items() if family == name and labels.items() <= dict(of).items()]

    def test_metrics_are_what_the_format_asks_for_and_say_what_status_says(self):
        s = self.site(sites.BREACH_SIM, sites.BREACH, rate=60, start="2026-03-05T08:00:00+08:00")
        s.start_sim()
        s.start_dustd()
        wait_for("a load", lambda: "load" in s.status()["buses"][0])
        wait_for("readings", lambda: self.one(parse_metrics(s.ctl("metrics")), "dustd_point_value", device="relay", point="in8"))
        text = s.ctl("metrics")
        found = parse_metrics(text)
        self.assertEqual(self.one(found, "dustd_up"), [1])
        self.assertEqual(self.one(found, "dustd_bus_up", bus="bus1"), [1])
        self.assertEqual(len(self.one(found, "dustd_queue_depth")), len(s.status()["queues"]))
        self.assertAlmostEqual(self.one(found, "dustd_point_value", point="pm10", unit="ug/m3")[0], 120, delta=8)
        self.assertEqual(self.one(found, "dustd_point_quality", point="pm10", quality="N"), [1])
        print(f"RESULT metrics families={text.count('# TYPE')} samples={len(found)}")
        promtool = os.environ.get("DUST_PROMTOOL") or shutil.which("promtool")
        if promtool:  # another's opinion, where there is one
            done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_value_that_failed_is_absent_and_its_quality_says_so(self):
        s = self.site(sites.faulty_sim("silent"), sites.FAULTY, broker=False, rate=30)
        s.start_sim()
        s.start_dustd()
        wait_for("a value", lambda: self.one(parse_metrics(s.ctl("metrics")), "dustd_point_value", point="pm10"))
        found = wait_for("a failed reading", lambda: [f for f in [parse_metrics(s.ctl("metrics"))]
                                                      if self.one(f, "dustd_point_quality", point="pm10", quality="B")])[0]
        self.assertEqual(self.one(found, "dustd_point_value"), [])
        self.assertEqual(self.one(found, "dustd_point_quality", point="pm10"), [1])

    def test_a_file_is_replaced_as_a_whole_and_says_when_nobody_answers(self):
        s = self.site(sites.BREACH_SIM, sites.BREACH, broker=False, rate=60)
        s.start_sim()
        s.start_dustd()
        path = os.path.join(s.dir, "dustd.prom")
        s.ctl("metrics", "--out", path)
        with open(path, encoding="utf-8") as out:
            self.assertEqual(self.one(parse_metrics(out.read()), "dustd_up"), [1])
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o644)
        first = os.stat(path).st_ino
        s.dustd.stop()
        with self.assertRaises(AssertionError):
            s.ctl("metrics", "--out", path)
        self.assertNotEqual(os.stat(path).st_ino, first)
        with open(path, encoding="utf-8") as out:
            self.assertEqual(parse_metrics(out.read()), {("dustd_up", ()): 0})
        self.assertEqual([name for name in os.listdir(s.dir) if "prom" in name], ["dustd.prom"])

    def test_labels_are_escaped(self):
        self.assertEqual(parse_metrics('# HELP a b\n# TYPE a gauge\na{x="q\\"\\\\\\n"} 1\n'), {("a", (("x", 'q"\\\n'),)): 1})
        bad = ("a{x=\"\\t\"} 1", "a{x=\"1\",x=\"2\"} 1", "b 1", "a 1 2 3")
        for line in bad:
            with self.assertRaises(AssertionError, msg=line):
                parse_metrics(f"# HELP a b\n# TYPE a gauge\n{line}\n")
        s = self.site(sites.BREACH_SIM, sites.BREACH, broker=False, rate=60)
        odd = os.path.join(s.dir, 'ca"\\.pem')
        shutil.copy(__file__, odd)
        s.config_file = s.write("dustd.yaml", sites.BREACH.replace(sites.BROKER, f"""
mqtt:
  odd: {{host: 127.0.0.1, port: 9, ca_file: '{odd}'}}
"""))
        s.start_sim()
        s.start_dustd()
        found = wait_for("the warning", lambda: [f for f in [parse_metrics(s.ctl("metrics"))]
                                                 if self.one(f, "dustd_warning", what="certificate_unreadable")])[0]
        self.assertEqual(self.one(found, "dustd_warning", what="certificate_unreadable", about=odd), [1])


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
