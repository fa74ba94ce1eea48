"""As many Modbus TCP hosts as are allowed, in one process, within the limits of its systemd unit: threads, descriptors, memory; and
within the message size of the broker that docs/operations.md sets up. One more is refused before anything runs."""
import json
import os
import re
import resource

import harness
import sites

HOSTS = 64
UNIT_FILE = os.path.join(harness.SOURCE, "systemd", "dustd.service.in")
OPERATIONS = os.path.join(harness.SOURCE, "docs", "operations.md")
ONE_POINT = """
title: {zh: 一个测点, en: One point}
source: made for this test, no device
points:
  pm10: {title: {zh: PM10, en: PM10}, unit: ug/m3, role: pm10, address: 5, type: u16}
"""
# What a bus takes twice while a reload replaces all of them: its thread, and the three event descriptors it is prepared with.
RELOAD_THREADS, RELOAD_DESCRIPTORS = 1, 3
# What else may come: control clients and those in their queue, a broker's line, the files of a checkpoint.
MORE_THREADS, MORE_DESCRIPTORS = 16, 64


def limit(name):
    with open(UNIT_FILE) as f:
        value, factor = re.search(rf"^{name}=(\d+)(M?)$", f.read(), re.M).groups()
    return int(value) << 20 if factor else int(value)


def free_ports(n):
    ports = set()
    while len(ports) < n:
        ports.add(harness.free_port())
    return sorted(ports)


def config(ports, timeout="300ms"):
    return (sites.HEAD + "buses:\n"
            + "".join(f"  h{i}: {{transport: tcp, host: 127.0.0.1, port: {port}, timeout: {timeout}}}\n" for i, port in enumerate(ports))
            + "devices:\n" + "".join(f"  u{i}: {{title: {{zh: {i}号, en: Unit {i}}}, bus: h{i}, profile: one-point, unit_id: 1, "
                                     "period: 1s}\n" for i in range(len(ports))))


class Hosts(harness.ScenarioTest):
    def hosts(self, n):
        ports = free_ports(n)
        sim = ("buses:\n" + "".join(f"  h{i}: {{transport: tcp, port: {port}}}\n" for i, port in enumerate(ports)) + "units:\n"
               + "".join(f"  u{i}: {{bus: h{i}, profile: one-point, unit_id: 1, turnaround: 5ms, points: {{pm10: {{constant: 80}}}}}}\n"
                         for i in range(n)))
        site = self.site(sim, config(ports), broker=False, rate=1)
        os.mkdir(os.path.join(site.dir, "devices"))
        site.write("devices/one-point.yaml", ONE_POINT)
        return site, ports

    def test_64_hosts_fit_in_the_limits_of_the_unit_even_while_a_reload_replaces_them(self):
        site, ports = self.hosts(HOSTS)
        site.start_sim()
        site.start_dustd()
        descriptors = limit("LimitNOFILE")
        resource.prlimit(site.dustd.popen.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))
        all_up = lambda: site.status()["devices"]["up"] == HOSTS
        harness.wait_for("all hosts to answer", all_up)
        process = site.status()["process"]
        print(f"RESULT {HOSTS} hosts: {process['threads']} threads, {process['fds']} descriptors, "
              f"{process['rss_bytes'] / 1e6:.1f} MB resident", flush=True)
        self.assertGreaterEqual(process["threads"], HOSTS + 2)
        self.assertLessEqual(process["threads"] + HOSTS * RELOAD_THREADS + MORE_THREADS, limit("TasksMax"))
        self.assertLessEqual(process["fds"] + HOSTS * RELOAD_DESCRIPTORS + MORE_DESCRIPTORS, descriptors)
        self.assertLess(descriptors, 900, "libmodbus takes no higher descriptor")
        if not harness.SANITIZED:
            self.assertLessEqual(2 * process["rss_bytes"], limit("MemoryMax"))
        site.write("dustd.yaml", config(ports, timeout="310ms"))
        told = json.loads(site.ctl("--json", "reload"))
        self.assertEqual(told["buses"], {"of": HOSTS, "kept": 0})
        harness.wait_for("all hosts to answer again", lambda: all(b["answers"] > 0 for b in site.status()["buses"]) and all_up())
        self.assertEqual(site.dustd.stop(), 0)

    def test_what_64_hosts_say_is_taken_by_the_broker_of_the_operations_page(self):
        site, ports = self.hosts(HOSTS)
        with open(OPERATIONS) as f:
            most = int(re.search(r"^message_size_limit (\d+)$", f.read(), re.M)[1])
        site.broker = harness.Broker(site.dir, f"message_size_limit {most}\n")
        site.write("dustd.yaml", config(ports) + sites.BROKER.replace("{port}", str(site.broker.port)))
        site.start_sim()
        watcher = site.watcher()
        site.start_dustd()
        harness.wait_for("all hosts to answer", lambda: site.status()["devices"]["up"] == HOSTS)
        size = {}
        for topic in ("health", "site"):
            harness.wait_for(topic, lambda: watcher.messages("/" + topic))
            size[topic] = max(len(json.dumps(body, ensure_ascii=False).encode()) for _, _, body in watcher.messages("/" + topic))
        print(f"RESULT {HOSTS} hosts: health {size['health']} bytes, site {size['site']}, of {most} that the broker takes", flush=True)
        self.assertEqual(site.status()["mqtt"][0]["reconnects"], 0)

    def test_one_host_more_is_refused(self):
        site, ports = self.hosts(HOSTS + 1)
        code, out, err = site.run_dustd("--check")
        self.assertEqual(code, 78, out + err)
        self.assertIn("found 65 buses; allowed: at most 64", err)
        self.assertRegex(err, r"dustd\.yaml:\d+:\d+: ")


if __name__ == "__main__":
    harness.main()
