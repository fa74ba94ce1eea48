"""dustctl probe on simulated lines: what it finds, what it writes, that it only reads, and that it leaves a line as it was."""
import array
import fcntl
import json
import os
import pty
import pwd
import random
import select
import shutil
import signal
import socket
import subprocess
import termios
import threading
import time
import tty

import harness
import sites

PROFILES = os.path.join(harness.SOURCE, "config", "devices")
TIOCGEXCL = 0x80045440

METER = "points: {pm10: {constant: 81}, pm25: {constant: 40}, pm1: {constant: 20}, tsp: {constant: 140}}"
WEATHER = ("points: {wind_speed: {constant: 2.8}, wind_direction: {constant: 300}, humidity: {constant: 52}, temperature: {constant: 19},"
           " noise: {constant: 58}, pm25: {constant: 30}, pm10: {constant: 66}, pressure: {constant: 92.4}}")

ODD_SIM = f"""
buses:
  slow: {{transport: rtu, link: {{dir}}/slow, baud: 2400}}
  fast: {{transport: rtu, link: {{dir}}/fast, baud: 57600}}
units:
  meter: {{bus: slow, profile: nova-sds069, unit_id: 1, turnaround: 12ms, {METER}}}
  strange: {{bus: slow, profile: nova-sds069, unit_id: 33, turnaround: 5ms, strict: true, {METER}}}
  weather: {{bus: fast, profile: louvre-pm-weather, unit_id: 5, turnaround: 20ms, {WEATHER}}}
  relay: {{bus: fast, profile: waveshare-relay-8ch, unit_id: 6, turnaround: 5ms}}
"""

HELD_SIM = f"""
buses:
  bus1: {{transport: rtu, link: {{dir}}/bus1, baud: 9600}}
units:
  meter: {{bus: bus1, profile: nova-sds069, unit_id: 1, turnaround: 2ms, {METER}}}
  new: {{bus: bus1, profile: louvre-pm-weather, unit_id: 4, turnaround: 2ms, {WEATHER}}}
"""


def as_me(config):
    """The configuration with whoever runs this test as a person of the site; root needs none."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    return config if os.geteuid() == 0 else config.replace("roles: [site]}", f"roles: [site], unix_user: {me}}}")


HELD = as_me(sites.HEAD) + """
buses:
  bus1: {transport: rtu, path: {dir}/bus1, baud: 9600, timeout: 500ms}
devices:
  meter: {title: {zh: 一号扬尘仪, en: Dust meter 1}, bus: bus1, profile: nova-sds069, unit_id: 1, period: 1s}
"""


class ProbeTest(harness.ScenarioTest):
    def probe(self, site, port, *words, code=0, lang="en"):
        """(standard output, standard error) of a probe that ends by itself."""
        done = subprocess.run(self.command(site, port, *words, lang=lang), capture_output=True, text=True, timeout=4 * harness.PATIENCE)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def command(self, site, port, *words, lang="en"):
        return [harness.program("dustctl"), "--socket", os.path.join(site.dir, "control.sock"), "--lang", lang, "probe", port,
                "--devices", PROFILES, *words]

    def start_probe(self, site, port, *words):
        """One that runs on: all units at all speeds."""
        process = harness.Process(self.command(site, port, *words), os.path.join(site.dir, "probe.log"))
        self.addCleanup(process.kill)
        return process

    def assert_only_reads(self, site):
        functions = {poll["function"] for poll in site.sim_polls() if "function" in poll}
        self.assertTrue(functions)
        self.assertLessEqual(functions, {1, 2, 3, 4})
        self.assertFalse([e for e in site.sim_polls() if e.get("outcome") == "broadcast"])


class Finding(ProbeTest):
    def setUp(self):
        super().setUp()
        self.odd = self.site(ODD_SIM, sites.HEAD, broker=False, rate=1)
        self.odd.start_sim()
        self.slow, self.fast = (os.path.join(self.odd.dir, name) for name in ("slow", "fast"))

    def test_units_at_an_odd_speed_are_found_and_their_profiles_lead(self):
        out, _ = self.probe(self.odd, self.slow, "--baud", "9600,2400", "--format", "8N1", "--units", "1-2,33", "--json")
        found = json.loads(out)
        self.assertEqual([(u["baud"], u["format"], u["unit_id"]) for u in found["units"]], [(2400, "8N1", 1), (2400, "8N1", 33)])
        for unit in found["units"]:
            self.assertEqual(unit["candidates"][0]["profile"], "nova-sds069")
            values = {v["name"]: v.get("v") for v in unit["candidates"][0]["values"]}
            self.assertLessEqual({"pm10": 81, "pm25": 40, "pm1": 20, "tsp": 140}.items(), values.items())
        self.assertEqual(found["end"], "whole")
        self.assert_only_reads(self.odd)

    def test_the_block_passes_check_when_it_is_put_into_a_configuration(self):
        block = os.path.join(self.odd.dir, "block.yaml")
        out, _ = self.probe(self.odd, self.fast, "--baud", "57600", "--format", "8N1", "--units", "5,6", "--out", block)
        with open(block) as f:
            text = f.read()
        self.assertNotIn("buses:", out)
        self.odd.write("dustd.yaml", sites.HEAD + text)
        code, _, err = self.odd.run_dustd("--check", "--data", os.path.join(harness.SOURCE, "config"))
        self.assertEqual(code, 0, err + text)
        code, printed, _ = self.odd.run_dustd("--print", "--data", os.path.join(harness.SOURCE, "config"))
        for part in ("baud: 57600", "profile: louvre-pm-weather", "unit_id: 5", "relay-8ch-6:", "unit_id: 6"):
            self.assertIn(part, printed)

    def test_candidates_stand_beside_each_other_with_their_values(self):
        other = os.path.join(self.odd.dir, "devices")
        shutil.copytree(PROFILES, other)
        with open(os.path.join(PROFILES, "louvre-pm-weather.yaml")) as f:
            text = f.read()
        with open(os.path.join(other, "twin.yaml"), "w") as f:
            f.write(text.replace("scale: 0.1", "scale: 0.09"))
        command = self.command(self.odd, self.fast, "--baud", "57600", "--format", "8N1", "--units", "5")
        command[command.index("--devices") + 1] = other
        done = subprocess.run(command, capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
        self.assertRegex(lines["wind_speed"], r"wind_speed +2\.8 m/s +2\.5 m/s")
        self.assertIn("more than one may be right", done.stdout)
        self.assertIn("; or twin", done.stdout)

    def test_a_device_that_swaps_its_words_is_shown_with_the_order_that_makes_sense(self):
        """No peer answers: probe this unit and tell me which order fits."""
        other = os.path.join(self.odd.dir, "devices")
        os.mkdir(other)
        with open(os.path.join(PROFILES, "nova-sds069.yaml")) as f:
            text = f.read().split("examples:")[0]
        with open(os.path.join(other, "swapped.yaml"), "w") as f:
            f.write(text.replace("order: abcd", "order: cdab"))
        command = self.command(self.odd, self.slow, "--baud", "2400", "--format", "8N1", "--units", "1")
        command[command.index("--devices") + 1] = other
        done = subprocess.run(command, capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertIn("swapped (abcd)", done.stdout)
        self.assertRegex(done.stdout, r"pm10 +81 ")
        self.assertNotIn("profile: swapped", done.stdout)
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertEqual(json.loads(done.stdout)["units"][0]["candidates"][0]["order"], "abcd")

    def test_it_speaks_chinese_and_says_beforehand_how_long_it_takes(self):
        out, err = self.probe(self.odd, self.fast, "--baud", "57600", "--format", "8N1", "--units", "5", lang="zh")
        self.assertIn("地址 5，57600 8N1", out)
        self.assertRegex(out, r"符合程度 +\d+/100")
        self.assertRegex(err.splitlines()[0], r"只读不写.*1 种设置.*约 \d+ 秒")
        self.assertNotIn("\r", err)

    def test_a_silent_line_is_called_silent(self):
        out, _ = self.probe(self.odd, self.fast, "--baud", "9600", "--format", "8N1", "--units", "1", code=1)
        self.assertIn("0 found", out)
        self.assertIn("not one byte came", out)
        self.assertNotIn("devices:", out)

    def test_a_terminal_gets_a_bar_and_a_pipe_plain_lines(self):
        words = ("--baud", "57600", "--format", "8N1", "--units", "1-6")
        _, err = self.probe(self.odd, self.fast, *words)
        self.assertIn("round 1: 57600 8N1", err)
        self.assertIn("57600 8N1: unit 5 answers", err)
        self.assertNotIn("\x1b", err)
        main, other = pty.openpty()
        process = subprocess.Popen(self.command(self.odd, self.fast, *words), stdout=subprocess.DEVNULL, stderr=other,
                                   env={**os.environ, "TERM": "xterm"})
        os.close(other)
        shown = b""
        try:
            while chunk := os.read(main, 4096):
                shown += chunk
        except OSError:
            pass  # the other end is closed
        os.close(main)
        self.assertEqual(process.wait(harness.PATIENCE), 0)
        self.assertRegex(shown.decode(), r"\r\[#*\.*\] +\d+ %  57600 8N1 unit \d+  found \d  .* left")
        self.assertIn("57600 8N1: unit 5 answers", shown.decode())

    def test_ctrl_c_leaves_the_port_as_it_was(self):
        fd = os.open(self.slow, os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, fd)
        before = termios.tcgetattr(fd)
        for baud in ("57600", "19200", "2400"):
            process = self.start_probe(self.odd, self.slow, "--baud", baud)
            harness.wait_for("the probe to be at the line", lambda: "round 1" in process.text())
            self.assertEqual(process.stop(signal.SIGINT), 1)
            self.assertIn("interrupted: this is not everything", process.text())
            self.assertEqual(termios.tcgetattr(fd), before)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(fd, fcntl.LOCK_UN)
            exclusive = array.array("i", [1])
            fcntl.ioctl(fd, TIOCGEXCL, exclusive)
            self.assertEqual(exclusive[0], 0)
            os.remove(process.log)

    def test_a_port_held_by_another_program_is_left_alone(self):
        fd = os.open(self.fast, os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, fd)
        fcntl.flock(fd, fcntl.LOCK_EX)
        polls = len(self.odd.sim_polls())
        _, err = self.probe(self.odd, self.fast, code=1)
        self.assertIn("held by another program", err)
        self.assertEqual(len(self.odd.sim_polls()), polls)

    def test_bad_words_are_named_with_what_is_allowed(self):
        for words, part in ((("--baud", "9601"), "1200 to 230400"), (("--units", "0"), "1 to 255"), (("--units", "9-3"), "1 to 255"),
                            (("--format", "7E1"), "8N1"), (("--timeout", "200"), "10ms to 5s"), (("--baud", "9600,"), "1200 to")):
            _, err = self.probe(self.odd, self.fast, *words, code=2)
            self.assertIn("allowed: " if "allowed" in err else part, err)
            self.assertIn(part, err)
        _, err = self.probe(self.odd, "/dev/not-there", "--baud", "9600", code=1)
        self.assertIn("No such file", err)
        _, err = self.probe(self.odd, "meters", code=1)
        self.assertIn("there is no bus", err)


class Babbling(ProbeTest):
    """A line that is never quiet, from a terminal of our own."""

    def test_it_is_called_so_with_a_hint_and_costs_no_hour(self):
        site = self.site(ODD_SIM, sites.HEAD, broker=False, rate=1)
        main, other = pty.openpty()
        tty.setraw(other)
        over = threading.Event()

        def babble():
            while not over.is_set():
                if select.select([], [main], [], 0.05)[1]:
                    os.write(main, b"\x00\x00\xff\x00\xfe\x00")
                while select.select([main], [], [], 0)[0]:
                    os.read(main, 4096)
                time.sleep(0.002)

        thread = threading.Thread(target=babble)
        thread.start()
        try:
            out, _ = self.probe(site, os.ttyname(other), "--baud", "9600", "--format", "8N1", code=1)
        finally:
            over.set()
            thread.join()
            os.close(main)
            os.close(other)
        self.assertIn("the line is never quiet", out)
        self.assertIn("0 found", out)


class Lent(ProbeTest):
    def setUp(self):
        super().setUp()
        self.held = self.site(HELD_SIM, HELD, broker=False, rate=1)
        self.held.start_sim()
        self.held.start_dustd()
        self.port = os.path.join(self.held.dir, "bus1")
        self.await_quality("N")

    def pm10(self):
        points = json.loads(self.held.ctl("--json", "devices"))[0]["points"]
        return next(p for p in points if p["name"] == "pm10")

    def await_quality(self, letter):
        return harness.wait_for(f"pm10 to be {letter}", lambda: (p := self.pm10()).get("q") == letter and p)

    def bus(self):
        """The bus in the status; a daemon with as many clients as it takes is asked again."""
        return harness.wait_for("a status", self.held.status)["buses"][0]

    def loans(self):
        return [json.loads(row["body"]) for row in self.held.export_live("loan")]

    def await_return(self):
        harness.wait_for("the row that ends the loan", lambda: len(self.loans()) == 2)
        lent, returned = self.loans()
        self.assertEqual((lent["state"], returned["state"]), ("lent", "returned"))
        self.assertIn(lent["by"], ("root", "site-manager"))
        self.assertLessEqual(lent["until"] - lent["ts"], 900000)
        self.assertNotIn("lent", self.bus())
        self.await_quality("N")
        return returned

    def start_long(self):
        process = self.start_probe(self.held, self.port)
        harness.wait_for("the bus to be lent", lambda: "borrowed from dustd" in process.text())
        return process

    def test_a_bus_that_dustd_holds_is_borrowed_and_given_back(self):
        out, err = self.probe(self.held, self.port, "--baud", "9600", "--format", "8N1", "--units", "1-4")
        self.assertIn("borrowed from dustd", err)
        self.assertIn("(in the configuration as meter)", out)
        self.assertEqual(self.await_return()["why"], "given back")
        self.assert_only_reads(self.held)

    def test_by_its_name_and_the_new_device_goes_under_devices(self):
        out, _ = self.probe(self.held, "bus1", "--baud", "9600", "--format", "8N1", "--units", "1-4", "--json")
        block = json.loads(out)["block"]
        self.assertNotIn("buses:\n", block)
        self.assertIn("{bus: bus1, profile: louvre-pm-weather, unit_id: 4}", block)
        self.assertNotIn("unit_id: 1}", block)
        self.held.write("dustd.yaml", HELD + block)
        code, _, err = self.held.run_dustd("--check", "--data", os.path.join(harness.SOURCE, "config"))
        self.assertEqual(code, 0, err + block)

    def test_meanwhile_its_readings_are_maintenance_and_the_status_says_who_has_it(self):
        process = self.start_long()
        point = self.await_quality("M")
        self.assertNotIn("v", point)
        self.assertEqual(point["why"], "bus lent")
        self.assertRegex(self.held.ctl("--lang", "en", "status"), r"lent +bus bus1 to (root|site-manager), until 20")
        self.assertEqual(json.loads(self.held.ctl("--json", "devices"))[0]["state"], "up")
        _, err = self.probe(self.held, self.port, code=1)
        self.assertIn("lent already", err)
        self.assertEqual(process.stop(signal.SIGINT), 1)
        self.assertEqual(self.await_return()["why"], "given back")

    def test_a_killed_probe_gives_the_bus_back(self):
        self.start_long().kill()
        self.assertEqual(self.await_return()["why"], "given back")

    def test_killed_at_any_moment_it_leaves_no_loan_without_its_end(self):
        for _ in range(60 if harness.STORM else 6):
            process = self.start_probe(self.held, self.port)
            time.sleep(random.uniform(0, 0.1))  # a moment, not a deadline
            process.kill()
        harness.wait_for("the bus to be dustd's again", lambda: "lent" not in self.bus())
        self.await_quality("N")
        states = [loan["state"] for loan in self.loans()]
        self.assertEqual(states, ["lent", "returned"] * (len(states) // 2))

    def test_a_dustd_that_stops_ends_the_probe(self):
        process = self.start_long()
        self.held.dustd.stop()
        harness.wait_for("the probe to end", lambda: not process.running())
        self.assertEqual(process.stop(), 1)
        self.assertIn("dustd has ended the loan", process.text())
        rows, _ = self.held.export("--rows")
        loans = [json.loads(row["body"]) for row in rows if row["kind"] == "loan"]
        self.assertEqual([loan["state"] for loan in loans], ["lent", "returned"])
        self.assertEqual(loans[1]["why"], "dustd stops")

    def test_a_reload_of_the_lent_bus_waits_for_its_return(self):
        process = self.start_long()
        self.held.write("dustd.yaml", HELD.replace("timeout: 500ms", "timeout: 400ms"))
        done = subprocess.run(harness.dustctl("--socket", os.path.join(self.held.dir, "control.sock"), "reload"),
                              capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertEqual(done.returncode, 1)
        self.assertIn("bus bus1 changes, but it is lent to", done.stderr)
        process.stop(signal.SIGTERM)
        self.await_return()
        self.held.ctl("reload")


class Lender(ProbeTest):
    """A stand-in for dustd that lends for as long, or with such words, as the test wants."""

    def setUp(self):
        super().setUp()
        self.lent = self.site(HELD_SIM, HELD, broker=False, rate=1)
        self.lent.start_sim()
        self.port = os.path.join(self.lent.dir, "bus1")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(self.lent.dir, "control.sock"))
        self.listener.listen()
        self.listener.settimeout(harness.PATIENCE)
        self.addCleanup(self.listener.close)

    def asked(self, process):
        """The open connection of the probe, and what it asked."""
        connection, _ = self.listener.accept()
        self.addCleanup(connection.close)
        connection.settimeout(harness.PATIENCE)
        return connection, json.loads(connection.makefile().readline())

    def lend(self, connection, seconds):
        self.say(connection, {"language": "en", "lent": {"bus": "bus1", "path": self.port, "baud": 9600, "parity": "none", "stop_bits": 1,
                                                         "rs485": False, "seconds": seconds, "devices": []}})

    @staticmethod
    def say(connection, line):
        connection.sendall(json.dumps(line).encode() + b"\n")

    def test_it_leaves_by_itself_before_the_time_is_over(self):
        process = self.start_probe(self.lent, self.port)
        connection, request = self.asked(process)
        self.assertEqual((request["do"], request["bus"], request["seconds"]), ("lend", self.port, 900))
        self.lend(connection, 6)
        self.assertEqual(connection.recv(1), b"")  # given back, the port closed before
        self.assertEqual(process.stop(None), 1)
        self.assertIn("the loan's time is over", process.text())

    def test_it_leaves_when_the_lender_says_that_the_time_is_over(self):
        process = self.start_probe(self.lent, self.port)
        connection, _ = self.asked(process)
        self.lend(connection, 900)
        harness.wait_for("the probe to be at the line", lambda: "round 1" in process.text())
        self.say(connection, {"ok": True, "result": {"ended": "time"}})
        self.assertEqual(connection.recv(1), b"")
        self.assertEqual(process.stop(None), 1)
        self.assertIn("the loan's time is over", process.text())

    def test_a_refusal_is_told_and_the_line_left_alone(self):
        process = self.start_probe(self.lent, self.port)
        connection, _ = self.asked(process)
        self.say(connection, {"ok": False, "error": "lending a bus is for root and for people of the site or the office", "language": "en"})
        self.assertEqual(process.stop(None), 1)
        self.assertIn("lending a bus is for root", process.text())
        self.assertFalse([poll for poll in self.lent.sim_polls() if poll.get("event") == "poll"])

    def test_ctrl_c_while_the_lender_is_busy_ends_it(self):
        process = self.start_probe(self.lent, self.port)
        connection, _ = self.asked(process)
        self.assertEqual(process.stop(signal.SIGINT), 1)
        self.assertEqual(connection.recv(1), b"")


if __name__ == "__main__":
    harness.main()
