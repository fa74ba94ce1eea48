"""Several users of one machine at one control socket: dustd tells them apart.

In a user namespace of its own, so that no user has to be made: there 0 is whoever runs this test, 1 to 9 are nobody
else's. dustd runs as `daemon` (1), `bin` (2) is the site's manager, `sys` (3) is nobody, both of the daemon's group;
`games` (5) is not. As root it works at once; else it takes newuidmap (package uidmap) and a line in /etc/subuid.
"""
import json
import os
import pwd
import shutil
import subprocess
import sys
import time
import unittest

import harness
import sites

ROOT, DAEMON, MANAGER, STRANGER, OUTSIDER = 0, 1, 2, 3, 5
NAMES = {DAEMON: "daemon", MANAGER: "bin", STRANGER: "sys", OUTSIDER: "games"}
RANGE = 9
AS_ROOT = os.geteuid() == 0
FIRST = 100001  # of the ids that root takes for 1 to 9

CONFIG = sites.HEAD.replace("roles: [site]}", "roles: [site], unix_user: bin}").replace(
    "roles: [office]}", "roles: [office], unix_user: nobody}") + sites.BUS + sites.DEVICES + sites.LIMITS


def subordinate(file):
    """The first of an ordinary user's own range of ids, or None."""
    me = pwd.getpwuid(os.getuid())
    try:
        with open(file) as lines:
            for line in lines:
                name, first, count = line.strip().split(":")
                if name in (me.pw_name, str(me.pw_uid)) and int(count) >= RANGE:
                    return int(first)
    except (OSError, ValueError):
        pass
    return None


class Namespace:
    """A user namespace, kept alive by a process that sleeps in it."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "--user", "sleep", "600"], stderr=subprocess.PIPE)
        self.pid = self.process.pid
        self.path = f"/proc/{self.pid}/ns/user"
        deadline = time.monotonic() + 30
        while self.is_ours():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"unshare --user: {self.process.stderr.read().decode().strip()}")
            time.sleep(0.01)
        for kind, own, first in (("uid", os.getuid(), subordinate("/etc/subuid")),
                                 ("gid", os.getgid(), subordinate("/etc/subgid"))):
            self.map(kind, own, FIRST if AS_ROOT else first)

    def is_ours(self):
        try:
            return os.stat(self.path).st_ino == os.stat("/proc/self/ns/user").st_ino
        except OSError:
            return True

    def map(self, kind, own, first):
        if AS_ROOT:
            with open(f"/proc/{self.pid}/{kind}_map", "w") as f:
                f.write(f"0 {own} 1\n1 {first} {RANGE}\n")
        else:
            subprocess.run([f"new{kind}map", str(self.pid), "0", str(own), "1", "1", str(first), str(RANGE)], check=True,
                           capture_output=True)

    def enter(self, user, groups=(DAEMON,)):
        """The words before a command that make it run as this user."""
        said = ["--groups", ",".join(str(g) for g in groups)] if groups else ["--clear-groups"]
        return ["nsenter", "--user", "--target", str(self.pid), "setpriv", "--reuid", str(user), "--regid", str(user), *said, "--"]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


def why_not():
    """Why this cannot be tried here, or None."""
    for uid, name in NAMES.items():
        try:
            if pwd.getpwnam(name).pw_uid != uid:
                return f"user {name} is not {uid} here"
        except KeyError:
            return f"there is no user {name}"
    if not shutil.which("setpriv") or not shutil.which("nsenter") or not shutil.which("unshare"):
        return "needs unshare, nsenter and setpriv (util-linux)"
    if not AS_ROOT and not shutil.which("newuidmap"):
        return "not root, and there is no newuidmap (package uidmap)"
    if not AS_ROOT and (subordinate("/etc/subuid") is None or subordinate("/etc/subgid") is None):
        return "not root, and no ids of its own in /etc/subuid and /etc/subgid"
    try:
        space = Namespace()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no user namespace: {error}"
    done = subprocess.run(space.enter(STRANGER) + ["id", "-u"], capture_output=True, text=True)
    space.close()
    return None if done.stdout.strip() == str(STRANGER) else f"no other user in a namespace: {done.stderr.strip()}"


class TwoUsers(harness.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.space = Namespace()
        self.program = harness.program
        self.addCleanup(self.leave)
        self.here = self.site(sites.BREACH_SIM, CONFIG, broker=False, rate=600, start="2026-03-05T09:50:00+08:00")
        self.copy()
        self.here.start_sim()
        self.here.start_dustd()
        self.issue = harness.wait_for("an issue", lambda: json.loads(self.here.ctl("--json", "issues")), 120)[0]["id"]

    def copy(self):
        """Everything the other users need, where they can reach it; what is started runs as `daemon`."""
        self.bin = os.path.join(self.here.dir, "bin")
        os.chmod(self.here.dir, 0o775)
        os.mkdir(self.bin)
        shutil.copytree(os.path.join(harness.SOURCE, "config"), os.path.join(self.here.dir, "config"))
        for name in ("dustd", "dustctl", "dustsim"):
            shutil.copy(self.program(name), self.bin)
            as_daemon = os.path.join(self.bin, name + "-as-daemon")
            with open(as_daemon, "w") as script:
                script.write(f"#!/bin/sh\nexec {' '.join(self.space.enter(DAEMON))} {self.bin}/{name} \"$@\"\n")
            os.chmod(as_daemon, 0o755)
        harness.program = lambda name: os.path.join(self.bin, name + "-as-daemon")
        source, harness.SOURCE = harness.SOURCE, self.here.dir
        self.addCleanup(setattr, harness, "SOURCE", source)
        files = [os.path.join(self.here.dir, name) for name in os.listdir(self.here.dir)]
        as_root = self.space.enter(ROOT)
        subprocess.run(as_root + ["chown", "-R", f"{DAEMON}:{DAEMON}", *files], check=True)
        subprocess.run(as_root + ["chgrp", str(DAEMON), self.here.dir], check=True)  # we write there, and so does dustd

    def leave(self):
        harness.program = self.program
        subprocess.run(self.space.enter(ROOT) + ["rm", "-rf", self.here.dir], check=True)
        self.space.close()

    def ctl(self, user, *words, enter=None):
        enter = enter or self.space.enter(user)
        done = subprocess.run([*enter, os.path.join(self.bin, "dustctl"), "--lang", "en", "--socket",
                               os.path.join(self.here.dir, "control.sock"), *words], capture_output=True, text=True,
                              timeout=harness.PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def notes(self):
        """(by, as root, text) of each note in the journal of the stopped daemon."""
        self.assertEqual(self.here.dustd.stop(), 0)
        bodies = [json.loads(row["body"]) for row in self.here.export("--rows")[0]]
        return [(b["by"], b.get("as_root", False), b["text"]) for b in bodies if b.get("step") == "note"]

    def test_the_socket_is_for_its_owner_and_group_only(self):
        done = subprocess.run(self.space.enter(ROOT) + ["stat", "-c", "%a %U %G", os.path.join(self.here.dir, "control.sock")],
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "660 daemon daemon\n")
        status, _, said = self.ctl(OUTSIDER, "status", enter=self.space.enter(OUTSIDER, ()))
        self.assertEqual((status, "no permission to use" in said), (1, True), said)

    def test_both_may_read_one_may_act_and_the_row_names_who_did(self):
        for user in (MANAGER, STRANGER):
            status, shown, said = self.ctl(user, "--json", "status")
            self.assertEqual(status, 0, said)
            self.assertEqual(json.loads(shown)["site"]["name"], "example")
        status, _, said = self.ctl(STRANGER, "issue", self.issue, "note", "by a stranger")
        self.assertEqual((status, "your user is no person" in said), (1, True), said)
        status, _, said = self.ctl(STRANGER, "issue", self.issue, "note", "by a stranger", "--as", "site-manager")
        self.assertEqual((status, "only root may act" in said), (1, True), said)
        status, _, said = self.ctl(MANAGER, "issue", self.issue, "note", "by the manager")
        self.assertEqual(status, 0, said)
        self.assertEqual(self.notes(), [("site-manager", False, "by the manager")])
        denied = [json.loads(row["body"]) for row in self.here.export("--rows")[0] if row["kind"] == "denied"]
        self.assertEqual([(d["uid"], d["did"], d["about"], d["n"]) for d in denied],
                         2 * [(STRANGER, "act note", self.issue, 1)])  # the first at once, what follows within minutes later

    def test_root_acts_for_whom_it_names_and_the_row_says_that_it_was_root(self):
        status, _, said = self.ctl(ROOT, "issue", self.issue, "note", "by root")
        self.assertEqual((status, "name one with --as" in said), (1, True), said)
        status, _, said = self.ctl(ROOT, "issue", self.issue, "note", "by root", "--as", "inspector")
        self.assertEqual(status, 0, said)
        self.assertEqual(self.notes(), [("inspector", True, "by root")])

    @unittest.skipUnless(AS_ROOT, "only root can be somebody whom the namespace does not know")
    def test_whom_the_namespace_does_not_know_may_read_and_is_no_person(self):
        outside = ["setpriv", "--reuid", "55555", "--regid", "55555", "--groups", str(FIRST), "--"]
        status, _, said = self.ctl(None, "status", enter=outside)
        self.assertEqual(status, 0, said)
        status, _, said = self.ctl(None, "issue", self.issue, "note", "by whom?", enter=outside)
        self.assertEqual((status, "your user is no person" in said), (1, True), said)
        self.assertEqual(self.notes(), [])


if __name__ == "__main__":
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(harness.SKIP)
    unittest.main(verbosity=2)
