"""OpenWrt's init script, run by the shell and the tools that OpenWrt has (busybox): what it tells procd, which is a stub
that writes its orders down, and what it refuses to start."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import harness
import sites

SCRIPT = os.path.join(harness.SOURCE, "packaging", "openwrt", "dustd.init")
UNIT = os.path.join(harness.SOURCE, "systemd", "dustd.service.in")
# What rc.common and procd.sh are to the script; chown and logger are what the test's user cannot do or should not.
STUB = r"""
say() { printf '%s' "$1"; shift; for word; do printf '\t%s' "$word"; done; echo; }
procd_open_instance() { say open "$@" >>"$TOLD"; }
procd_set_param() { say param "$@" >>"$TOLD"; }
procd_close_instance() { say close "$@" >>"$TOLD"; }
procd_add_reload_trigger() { say trigger "$@" >>"$TOLD"; }
chown() { say chown "$@" >>"$TOLD"; }
logger() { say logger "$@" >>"$TOLD"; }
"""


class OpenWrt(harness.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.here = self.site(sites.BREACH_SIM, sites.BREACH, broker=False)
        self.disk = tempfile.mkdtemp(prefix="openwrt-", dir="/dev/shm")  # not below /tmp or /var, which are memory there
        self.addCleanup(shutil.rmtree, self.disk)
        self.tools = os.path.join(self.here.dir, "bin")
        os.mkdir(self.tools)
        subprocess.run(["busybox", "--install", "-s", self.tools], check=True)
        with open(SCRIPT, encoding="utf-8") as f:
            text = f.read()
        for there, here in (("/usr/sbin/dustd", f"{self.here.dir}/dustd"), ("/etc/dustd/dustd.yaml", self.here.config_file),
                            ("/var/run/dustd", f"{self.here.dir}/run")):
            self.assertIn(there, text)
            text = text.replace(there, here)
        with open(self.here.write("dustd", f"#!/bin/sh\nexec {harness.program('dustd')} \"$@\" --data "
                                           f"{harness.SOURCE}/config\n"), "a", encoding="utf-8") as f:
            os.fchmod(f.fileno(), 0o755)
        self.script = os.path.join(self.here.dir, "dustd.init")
        with open(self.script, "w", encoding="utf-8") as f:
            f.write(text)

    def keep_in(self, folder):
        self.here.write("dustd.yaml", sites.BREACH.replace("{dir}/state", folder).replace(sites.BROKER, ""))

    def run_it(self, function):
        """Its status, and what it has told: lists of words."""
        told = os.path.join(self.here.dir, "told")
        open(told, "w", encoding="utf-8").close()
        done = subprocess.run([shutil.which("busybox"), "ash", "-c", f"{STUB}\n. {self.script}\n{function}"], capture_output=True, text=True,
                              env={"PATH": self.tools, "TOLD": told}, timeout=harness.PATIENCE)
        with open(told, encoding="utf-8") as f:
            return done.returncode, [line.rstrip("\n").split("\t") for line in f]

    def params(self, told):
        return {words[1]: words[2:] for words in told if words[0] == "param"}

    def test_a_good_configuration_is_started_as_its_own_user_and_again_for_ever(self):
        self.keep_in(f"{self.disk}/state")
        status, told = self.run_it("start_service")
        self.assertEqual((status, told[0][0]), (0, "chown"), told)
        params = self.params(told)
        self.assertEqual([words[0] for words in told[1:]], ["open"] + ["param"] * len(params) + ["close"])
        self.assertEqual(params["command"], [f"{self.here.dir}/dustd", "-c", self.here.config_file])
        self.assertEqual((params["user"], params["group"], params["no_new_privs"]), (["dustd"], ["dustd"], ["1"]))
        self.assertEqual(params["respawn"], ["3600", "5", "0"])
        with open(UNIT, encoding="utf-8") as f:
            most = re.search(r"^LimitNOFILE=(\d+)$", f.read(), re.M)[1]
        self.assertEqual(params["limits"], ["core=0", f"nofile={most} {most}"])
        self.assertEqual((params["reload_signal"], params["file"]), (["HUP"], [self.here.config_file]))
        self.assertIn(["chown", "dustd:dustd", f"{self.disk}/state", f"{self.here.dir}/run"], told)
        self.assertEqual(os.stat(f"{self.disk}/state").st_mode & 0o777, 0o700)

    def test_what_procd_is_told_to_run_is_a_dustd_that_starts(self):
        self.keep_in(f"{self.disk}/state")
        _, told = self.run_it("start_service")
        done = subprocess.run([*self.params(told)["command"], "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_bad_configuration_is_not_started_and_the_log_says_where(self):
        self.here.write("dustd.yaml", sites.BREACH.replace("baud: 115200", "baud: 115201"))
        status, told = self.run_it("start_service")
        self.assertEqual(status, 1)
        self.assertEqual([words[:5] for words in told], [["logger", "-t", "dustd", "-p", "daemon.err"]])
        self.assertRegex(told[0][5], r"dustd\.yaml:\d+:\d+: ")

    def test_a_ledger_in_memory_is_warned_of(self):
        for folder, warned in ((f"{self.here.dir}/state", True), (f"{self.disk}/state", False)):
            self.keep_in(folder)
            status, told = self.run_it("start_service")
            self.assertEqual(status, 0)
            said = [words[5] for words in told if words[0] == "logger"]
            self.assertEqual(said, [f"store.dir {folder} is memory: put it on a disk"] if warned else [])

    def test_a_changed_configuration_makes_it_reload(self):
        self.assertEqual(self.run_it("service_triggers"), (0, [["trigger", "dustd"]]))


if __name__ == "__main__":
    if not shutil.which("busybox"):
        print("skipped: no busybox (script/bootstrap --test)")
        sys.exit(harness.SKIP)
    harness.main()
