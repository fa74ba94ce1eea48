"""Settings are changed while dustd runs: whole or not at all, and nothing that stays is interrupted."""
import json
import os
import random
import re
import signal
import threading
import time

import harness
import independent
import sites

RELOADS = int(os.environ.get("DUST_RELOADS", "1000" if harness.STORM else "50"))
START = "2026-03-05T08:00:00+08:00"


def config(meters=(1, 2, 3), more="", period="1s", limit="shanxi-taiyuan", brokers="local: {host: 127.0.0.1, port: {port}}",
           title="示例工地"):
    """Meter 1 on bus1, meters 2 and 3 on bus2; `more` is YAML of the devices section."""
    devices = "".join(f"  meter{i}: {{title: {{zh: {i}号, en: Meter {i}}}, bus: bus{1 if i == 1 else 2}, profile: nova-sds069, "
                      f"unit_id: {i}, period: {period if i != 1 else '1s'}}}\n" for i in meters)
    return sites.HEAD.replace("示例工地, en", title + ", en") + f"""
buses:
  bus1: {{transport: rtu, path: {{dir}}/bus1, baud: 115200, timeout: 200ms}}
  bus2: {{transport: rtu, path: {{dir}}/bus2, baud: 115200, timeout: 200ms}}
devices:
{devices}{more}limits:
  {limit}: {{person: site-manager}}
mqtt:
  {brokers}
"""


SIM = """
buses:
  bus1: {transport: rtu, link: {dir}/bus1, baud: 115200}
  bus2: {transport: rtu, link: {dir}/bus2, baud: 115200}
units:
""" + "".join(f"  meter{i}: {{bus: bus{1 if i == 1 else 2}, profile: nova-sds069, unit_id: {i}, turnaround: 1ms, points: "
              f"{{pm10: {{constant: {100 * i}, noise: 3}}, pm25: {{constant: 20}}, pm1: {{constant: 10}}, "
              f"tsp: {{constant: {150 * i}}}}}}}\n" for i in range(1, 5))


class Reload(harness.ScenarioTest):
    def started(self, text=None, rate=1):
        site = self.site(SIM, text or config(), rate=rate, start=START)
        site.start_sim()
        site.start_dustd()
        self.reloads = 0
        harness.wait_for("all devices to answer", lambda: site.status()["devices"]["up"] == 3)
        return site

    def reload(self, site, text):
        site.write("dustd.yaml", text)
        return json.loads(site.ctl("--json", "reload"))

    def refused(self, site, text):
        site.write("dustd.yaml", text)
        before = site.dustd.text()
        with self.assertRaises(AssertionError) as caught:
            site.ctl("reload")
        self.assertIn("the settings before stay in force", site.dustd.text()[len(before):])
        return str(caught.exception)

    def bus(self, site, name):
        return next(b for b in site.status()["buses"] if b["name"] == name)

    def threads(self, site):
        """The threads by name: {name: {id}}."""
        found = {}
        folder = f"/proc/{site.dustd.popen.pid}/task"
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/comm") as f:
                found.setdefault(f.read().strip(), set()).add(task)
        return found

    def test_a_wrong_file_changes_nothing_and_is_told_by_line_and_column(self):
        site = self.started()
        threads, status = self.threads(site), site.status()
        told = self.refused(site, config(period="1 parsec"))
        self.assertRegex(told, r"dustd\.yaml:\d+:\d+: found \"1 parsec\"")
        site.dustd.popen.send_signal(signal.SIGHUP)
        harness.wait_for("the log to say so", lambda: len(re.findall("stay in force: .*1 parsec", site.dustd.text())) == 2)
        self.assertEqual(self.threads(site), threads)
        requests = self.bus(site, "bus2")["requests"]
        harness.wait_for("measuring to go on", lambda: self.bus(site, "bus2")["requests"] > requests + 4)
        self.assertEqual(site.status()["since"], status["since"])
        self.assertEqual(len(site.export_live("settings")), 1)

    def test_what_only_a_restart_can_change_is_refused(self):
        site = self.started()
        for change, key in ((("name: example\n", "name: other\n"), "site.name"),
                            (("dir: {dir}/state", "dir: {dir}/other"), "store.dir"),
                            (("control.sock", "other.sock"), "control_socket")):
            told = self.refused(site, config().replace(*change))
            self.assertIn(key, told)
            self.assertIn("restart", told)

    def test_a_bus_that_does_not_change_is_not_interrupted(self):
        site = self.started()
        before, before2, threads = self.bus(site, "bus1"), self.bus(site, "bus2")["since"], self.threads(site)
        other_line = config(period="2s").replace("bus2, baud: 115200, timeout: 200ms", "bus2, baud: 115200, timeout: 250ms")
        told = self.reload(site, other_line)
        self.assertEqual((told["changed"], told["buses"]), (True, {"of": 2, "kept": 1}))
        harness.wait_for("the others to answer", lambda: self.bus(site, "bus2").get("since", before2) != before2 and site.status()["devices"]["up"] == 3)
        harness.wait_for("the old one to go on", lambda: self.bus(site, "bus1")["requests"] > before["requests"] + 5)
        after = self.bus(site, "bus1")
        self.assertEqual((after["since"], after["late_slots"]), (before["since"], before["late_slots"]))
        self.assertEqual(self.threads(site)["bus1"], threads["bus1"])
        self.assertNotEqual(self.threads(site)["bus2"], threads["bus2"])
        self.assertEqual(self.threads(site)["mqtt"], threads["mqtt"])
        self.assertEqual(site.dustd.stop(), 0)
        _, samples = site.export()
        stamps = [s["at"] for s in samples if s["point"] == "meter1/pm10"]
        self.assertGreater(len(stamps), 3)
        self.assertEqual({round((b - a) / 1000) for a, b in zip(stamps, stamps[1:])}, {1})

    def test_a_device_that_does_not_change_is_not_interrupted_by_the_others_of_its_bus(self):
        """Its bus gets a device, one that is read otherwise, and loses both."""
        site = self.started()
        before, threads = self.bus(site, "bus2"), self.threads(site)["bus2"]
        for n, text in enumerate((config(meters=(1, 2, 3, 4)), config().replace("unit_id: 3, period: 1s", "unit_id: 3, period: 2s"),
                                  config(meters=(1, 2)))):
            self.assertEqual(self.reload(site, text)["buses"], {"of": 2, "kept": 2})
            polls = len([p for p in site.sim_polls() if p["event"] == "poll" and p["unit"] == "meter2"])
            harness.wait_for("it to be read on", lambda: len([p for p in site.sim_polls() if p["event"] == "poll" and p["unit"] == "meter2"]) >= polls + 3)
            if n == 0:
                harness.wait_for("the new one to answer", lambda: site.status()["devices"]["up"] == 4)
        after = self.bus(site, "bus2")
        self.assertEqual((after["since"], after["late_slots"]), (before["since"], before["late_slots"]))
        self.assertEqual(self.threads(site)["bus2"], threads)
        opened = len(site.export_live("line"))
        self.assertEqual(site.dustd.stop(), 0)
        rows, samples = site.export()
        stamps = [s["at"] for s in samples if s["point"] == "meter2/pm10"]
        self.assertGreater(len(stamps), 9)
        self.assertEqual({round((b - a) / 1000) for a, b in zip(stamps, stamps[1:])}, {1})
        self.assertEqual(opened, 2, "a row for each bus, when it was opened first")

    def test_a_dead_device_stays_quarantined_when_another_is_added_to_its_bus(self):
        site = self.site(SIM.replace("unit_id: 3,", "unit_id: 33,"), config(), rate=1, start=START)
        site.start_sim()
        site.start_dustd()
        state = lambda name: next(d for d in json.loads(site.ctl("--json", "devices")) if d["name"] == name)["state"]
        harness.wait_for("the dead one to be quarantined", lambda: state("meter3") == "quarantined")
        self.reload(site, config(meters=(1, 2, 3, 4)))
        harness.wait_for("the new one to answer", lambda: state("meter4") == "up")
        self.assertEqual(state("meter3"), "quarantined")
        self.assertEqual(site.dustd.stop(), 0)
        rows, samples = site.export()
        self.assertEqual(len([r for r in rows if r["kind"] == "device" and "meter3" in r["body"]]), 1)
        self.assertEqual({s["why"] for s in samples if s["point"] == "meter3/pm10"}, {"no answer"})

    def last(self, watcher, topic):
        """The last message of a topic as (its body,), None when there was none."""
        told = [body for _, name, body in watcher.messages(topic) if name.endswith(topic)]
        return (told[-1],) if told else None

    def test_a_changed_period_and_another_limit_take_effect_and_are_told(self):
        site = self.started()
        watcher = site.watcher()
        limits = lambda: [l["id"] for l in (self.last(watcher, "/site") or ({"limits": []},))[0]["limits"]]
        harness.wait_for("the site's limits", lambda: any(l.startswith("shanxi") for l in limits()))
        self.reload(site, config(period="3s", limit="test-15min"))
        harness.wait_for("the site to be told again", lambda: limits() == ["test-15min/pm10-15min"])
        periods = {d["name"]: d["period_ms"] for d in json.loads(site.ctl("--json", "devices"))}
        self.assertEqual(periods, {"meter1": 1000, "meter2": 3000, "meter3": 3000})
        settings = harness.wait_for("the settings row", lambda: [r for r in site.export_live("settings") if '"by"' in r["body"]])
        self.assertEqual(json.loads(settings[0]["body"])["by"], "root")
        requests = self.bus(site, "bus2")["requests"]
        harness.wait_for("some slots", lambda: self.bus(site, "bus2")["requests"] >= requests + 9)
        self.assertEqual(site.dustd.stop(), 0)
        _, samples = site.export()
        stamps = [s["at"] for s in samples if s["point"] == "meter2/pm10"][-2:]
        self.assertEqual(round((stamps[1] - stamps[0]) / 1000), 3)

    def test_a_removed_device_is_cleared_at_the_broker_and_comes_back(self):
        site = self.started()
        watcher = site.watcher()
        harness.wait_for("its live values", lambda: self.last(watcher, "live/meter3"))
        self.reload(site, config(meters=(1, 2)))
        for topic in ("live/meter3", "device/meter3"):
            harness.wait_for(f"{topic} to be cleared", lambda: self.last(watcher, topic) == (None,))
        self.assertEqual(site.status()["devices"]["of"], 2)
        self.reload(site, config())
        harness.wait_for("it to be up again", lambda: (self.last(watcher, "device/meter3")[0] or {}).get("state") == "up")
        removed = [r for r in site.export_live("minute") if json.loads(r["body"]).get("removed")]
        self.assertEqual(len(removed), 1)
        self.assertIn("meter3/pm10", json.loads(removed[0]["body"])["points"])

    def test_a_broker_is_added_and_taken_away_while_the_other_stays_connected(self):
        site = self.started()
        broker = lambda name: next(b for b in site.status()["mqtt"] if b["name"] == name)
        harness.wait_for("the first broker", lambda: broker("local")["connected"])
        two = "local: {host: 127.0.0.1, port: {port}}\n  second: {host: 127.0.0.1, port: {port}, client_id: second}"
        self.assertEqual(self.reload(site, config(brokers=two))["mqtt"], {"of": 2, "kept": 1})
        harness.wait_for("the second to have every row", lambda: broker("second")["connected"] and broker("second")["behind"] == 0)
        taken = broker("second")["taken"]
        self.reload(site, config())
        self.assertEqual([b["name"] for b in site.status()["mqtt"]], ["local"])
        self.assertEqual((broker("local")["connected"], broker("local")["reconnects"]), (True, 0))
        self.reload(site, config(brokers=two))
        harness.wait_for("the second to be back", lambda: broker("second")["connected"])
        self.assertGreaterEqual(broker("second")["taken"], taken)


class Storm(harness.ScenarioTest):
    """Reloads of every sort, one after the other, under load."""

    CHOICES = [config(), config(title="示例"), config(period="2s"), config(limit="test-15min"), config(meters=(1, 2)),
               config(meters=(1, 2, 3, 4)), config(brokers="local: {host: 127.0.0.1, port: {port}}\n  other: {host: 127.0.0.1, port: {port}, client_id: other}"),
               config(brokers="local: {host: 127.0.0.1, port: {port}, keepalive: 30s}"), config(period="1 parsec")]

    def load(self, site):
        """Descriptors and kB resident. Unix sockets are dustctl's, whose last one may be on its way out."""
        with open("/proc/net/unix") as f:
            unix = {f"socket:[{line.split()[6]}]" for line in f if line[0] in "0123456789abcdef"}
        folder = f"/proc/{site.dustd.popen.pid}/fd"
        links = []
        for fd in os.listdir(folder):
            try:
                links.append(os.readlink(f"{folder}/{fd}"))
            except FileNotFoundError:
                pass  # closed meanwhile
        with open(f"/proc/{site.dustd.popen.pid}/status") as f:
            rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        return sum(link not in unix for link in links), rss

    def reload(self, site, text):
        """By signal, which leaves no client; waits until the daemon has said what came of it."""
        site.write("dustd.yaml", text)
        self.told += 1
        site.dustd.popen.send_signal(signal.SIGHUP)
        said = lambda: len(re.findall(": reloaded for SIGHUP|: not reloaded", site.dustd.text())) >= self.told
        harness.wait_for("the reload to be said", said)

    def polls_go_on(self, site, least):
        size = os.path.getsize(site.sim_log)
        harness.wait_for("polls to go on", lambda: os.path.getsize(site.sim_log) > size + 400 * (least - 1))

    def samples_are_the_wires(self, site, samples):
        """One sample of each meter an answered poll, in order, register for register; none twice. Where the machine was so
        slow that an answer came after the time-out, the sample says so: (equal ones, late ones)."""
        compared = late = 0
        for i in range(1, 5):
            polls = [p for p in site.sim_polls() if p["event"] == "poll" and p["unit"] == f"meter{i}"]
            wire = [p["registers"][4:6] for p in polls]
            mine = [s["regs"] for s in samples if s["point"] == f"meter{i}/pm10" and s["regs"]]
            failed = [s for s in samples if s["point"] == f"meter{i}/pm10" and not s["regs"]]
            rest = iter(wire)
            self.assertTrue(all(regs in rest for regs in mine), f"meter{i}: a sample that was not on the wire, or not then")
            self.assertLessEqual(len(wire) - len(mine), len(failed), f"meter{i}: {len(wire)} answers, {len(mine)} samples")
            self.assertLessEqual({s["why"] for s in failed}, {"no answer"})
            self.assertLessEqual(len(failed), len(wire) // 100)
            compared += len(mine)
            late += len(wire) - len(mine)
        return compared, late

    def test_reloads_under_load_lose_no_sample_and_no_descriptor(self):
        site = self.site(SIM, config(), rate=20, start=START)
        self.told = 0
        watcher = site.watcher()
        site.start_sim()
        site.start_dustd()
        harness.wait_for("all devices to answer", lambda: site.status()["devices"]["up"] == 3)
        harness.wait_for("the broker", lambda: site.status()["mqtt"][0]["connected"])
        descriptors, memory = self.load(site)[0], []
        for n in range(RELOADS):
            self.reload(site, random.choice(self.CHOICES))
            self.polls_go_on(site, random.randrange(1, 12))
            if n % max(RELOADS // 10, 1) == 0:
                memory.append(self.load(site)[1])
        self.reload(site, config())
        harness.wait_for("all descriptors to be back", lambda: self.load(site)[0] == descriptors)
        memory.append(self.load(site)[1])
        if harness.STORM:  # by half of so many it has settled; a sanitizer's quarantine never does. A reload on its way has two
            half, end = min(memory[4:7]), min(memory[-3:])
            self.assertLess(end, 1.2 * half, f"kB resident, all along: {memory}")
        harness.wait_for("the broker to have it all", lambda: site.status()["mqtt"][0]["behind"] == 0)
        status = site.status()
        self.assertEqual(site.dustd.stop(), 0)
        site.sim.stop()
        rows, samples = site.export()
        self.assertTrue(independent.chain_is_whole(rows))
        seen = {seq for seq, _ in watcher.rows()}
        self.assertLessEqual(set(range(1, status["committed"] + 1)), seen, "rows that no subscriber saw")
        compared, late = self.samples_are_the_wires(site, samples)
        print(f"RESULT {RELOADS} reloads, {compared} samples equal to the wire, {late} answers later than the time-out, "
              f"{len(seen)} rows seen by a subscriber, {descriptors} descriptors before and after, "
              f"kB resident at every tenth {memory}, {status['lost']}")


if __name__ == "__main__":
    harness.main()
