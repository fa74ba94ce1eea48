"""The Debian package in a Debian 12 that really boots: user-mode Linux, systemd, a meter on /dev/ttyS0.

It is installed, killed, upgraded with data, removed and purged by guest.sh; the tests below judge what that told. The
older package is made of the commit DUST_PREVIOUS, or else of the same sources under a lower number. Needs root.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenario"))
import harness  # noqa: E402
import sites  # noqa: E402

SOURCE = harness.SOURCE
WORK = os.path.join(SOURCE, "build", "boot")
PACKAGE = os.path.join(SOURCE, "build", "package")
OLD, MIRROR = "0.0.9", os.environ.get("DUST_MIRROR", "http://deb.debian.org/debian")
BOOT_S = 600
TOOLS = ("debootstrap", "linux.uml", "mkfs.ext4", "cmake", "dpkg-deb")
SITE = (sites.HEAD.replace("{dir}/state", "/var/lib/dustd").replace("{dir}/control.sock", "/run/dustd/control.sock") +
        sites.BUS.replace("{dir}/bus1", "/dev/ttyS0") + sites.DEVICES + "clock: {require_sync: false}\n")
UNIT = "[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\nExecStart=/boot-test/guest.sh\n"

# What the unit may do; what it may not although its user may outside the sandbox; what its user may nowhere. The guest's
# kernel knows no IPv6.
ALLOWED = {"read /etc/dustd/dustd.yaml", "write /var/lib/dustd/probe", "write /run/dustd/probe", "write /tmp/probe",
           "use /dev/ttyS0", "use /dev/null", "socket AF_UNIX", "socket AF_INET", "a thread", "ask for the clock"}
LOOSE = {"write /etc/loose/x", "write /usr/loose/x", "write /var/lib/loose/x", "read /home/loose", "socket AF_NETLINK",
         "run /bin/sh", "memory to write and execute", "unshare", "keyctl", "ptrace", "use /dev/loose-zero",
         "use /dev/loose-disk"}
DENIED = LOOSE | {"read /etc/shadow", "read /proc/1/environ", "read /root/.bashrc", "use /dev/mem", "use /dev/kmsg",
                  "use /dev/console", "write /proc/sys/kernel/panic", "write /sys/fs/cgroup/cgroup.procs",
                  "socket AF_PACKET", "mount", "set the clock", "bpf", "become root"}


def run(*args, **named):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **named)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(args)}: {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def text_of(path):
    with open(path, errors="replace") as f:
        return f.read()


def package(source, version, into):
    """A .deb of the sources in a folder, with this version's number or its own; its path."""
    build = os.path.join(source, "build", "package")
    run("cmake", "--preset", "package", cwd=source)
    run("cmake", "--build", build, cwd=source)
    number = ["-D", f"CPACK_PACKAGE_VERSION={version}"] if version else []
    shutil.rmtree(into, ignore_errors=True)
    os.makedirs(into)
    run("cpack", "-G", "DEB", "--config", os.path.join(build, "CPackConfig.cmake"), "-B", into, *number)
    return next(os.path.join(into, name) for name in os.listdir(into) if name.endswith(".deb"))


def previous():
    """The older package."""
    commit, source = os.environ.get("DUST_PREVIOUS"), SOURCE
    if commit:
        source = os.path.join(WORK, "previous")
        shutil.rmtree(source, ignore_errors=True)
        os.makedirs(source)
        archive = subprocess.run(["git", "-C", SOURCE, "archive", commit], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "-C", source], input=archive, check=True)
    return package(source, OLD, os.path.join(WORK, "old"))


def base(deb):
    """A Debian 12 with what the package depends on, made once for each such list."""
    wanted = sorted({re.split(r"[ (|]", part.strip())[0] for part in run("dpkg-deb", "-f", deb, "Depends").split(",")} |
                    {"dbus", "systemd", "systemd-sysv", "udev"})
    root, mark = os.path.join(WORK, "root"), os.path.join(WORK, "root.is")
    if not os.path.exists(mark) or text_of(mark) != " ".join(wanted):
        shutil.rmtree(root, ignore_errors=True)
        print("debootstrap, once", flush=True)
        run("debootstrap", "--variant=minbase", f"--include={','.join(wanted)}", "bookworm", root, MIRROR)
        with open(mark, "w") as f:
            f.write(" ".join(wanted))
    return root


def disk(root, files):
    """An ext4 image of the base with our files in it. Nothing is mounted."""
    tree, image = os.path.join(WORK, "tree"), os.path.join(WORK, "disk")
    shutil.rmtree(tree, ignore_errors=True)
    run("cp", "-al", root, tree)  # hard links: only new files may be made in it
    os.mkdir(os.path.join(tree, "boot-test"))
    for name, source in files.items():
        shutil.copy(source, os.path.join(tree, "boot-test", name))
    units = os.path.join(tree, "etc/systemd/system")
    with open(os.path.join(units, "boot-test.service"), "w") as f:
        f.write(UNIT)
    os.makedirs(os.path.join(units, "multi-user.target.wants"), exist_ok=True)
    os.symlink("../boot-test.service", os.path.join(units, "multi-user.target.wants/boot-test.service"))
    if os.path.exists(image):
        os.remove(image)
    run("truncate", "-s", "1G", image)
    run("mkfs.ext4", "-q", "-F", "-d", tree, image)
    shutil.rmtree(tree)
    return image


def boot(image, line):
    """What the guest said on its console until it powered off."""
    console = os.path.join(WORK, "console.txt")
    with open(console, "wb") as out:
        guest = subprocess.Popen(["linux.uml", "mem=512M", f"ubd0={image}", "root=/dev/ubda", "rw", "con=null",
                                  "con0=fd:0,fd:1", f"ssl0=tty:{line}", "quiet", "systemd.show_status=no",
                                  "systemd.unit=multi-user.target", "systemd.mask=getty.target"],
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        harness.wait_for("the guest's end", lambda: guest.poll() is not None or "Kernel panic" in text_of(console), BOOT_S)
    finally:
        if guest.poll() is None:
            os.killpg(guest.pid, 9)
            guest.wait()
    return text_of(console)


def facts(said):
    found = {}
    for line in said.splitlines():
        match = re.match(r"FACT (\S+) ?(.*)", line.strip())
        if match:
            found[match[1]] = match[2].replace("\x1f", "\n").strip()
    return found


def probe(text):
    return {m[1]: m[2] for m in re.finditer(r"PROBE (.+): (.+)", text)}


class Boot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.makedirs(WORK, exist_ok=True)
        files = {"old.deb": previous(), "new.deb": package(SOURCE, None, os.path.join(WORK, "new")),
                 "guest.sh": os.path.join(HERE, "guest.sh"), "unit_probe": harness.program("tests/unit_probe"),
                 "site.yaml": os.path.join(WORK, "site.yaml")}
        with open(files["site.yaml"], "w") as f:
            f.write(SITE)
        image = disk(base(files["new.deb"]), files)
        site = harness.Site(sites.BREACH_SIM, sites.BREACH, broker=False, rate=1)
        try:
            site.start_sim()
            said = boot(image, os.path.realpath(os.path.join(site.dir, "bus1")))
        finally:
            site.close()
        cls.facts = facts(said)
        if cls.facts.get("done") != "yes":
            raise AssertionError(f"the guest did not come to its end:\n{said[-6000:]}")

    def fact(self, name):
        self.assertIn(name, self.facts)
        return self.facts[name]

    def status(self, name):
        return json.loads(self.fact(f"{name}.version"))

    def test_it_installs_is_enabled_and_starts(self):
        self.assertEqual(self.fact("install.status"), "0", self.fact("journal"))
        self.assertEqual(self.fact("install.enabled"), "enabled")
        self.assertEqual(self.fact("install.active"), "active")
        self.assertEqual(self.fact("failed"), "")

    def test_the_unit_reads_a_meter_through_ttyS0(self):
        self.assertEqual(self.fact("start.status"), "0")
        meter = next(d for d in json.loads(self.fact("start.devices")) if d["name"] == "meter")
        self.assertEqual(meter["state"], "up")
        values = {p["name"]: p.get("v") for p in meter["points"]}
        self.assertAlmostEqual(values["pm10"], 120, delta=220)
        self.assertGreater(values["pm10"], 0)
        print(f"RESULT through /dev/ttyS0: pm10 {values['pm10']}", flush=True)

    def test_the_process_has_no_rights_beyond_its_user(self):
        process = dict(line.split(":", 1) for line in self.fact("start.process").splitlines())
        self.assertNotEqual(process["Uid"].split()[0], "0")
        self.assertEqual({name: process[name].strip() for name in ("NoNewPrivs", "Seccomp", "CapEff", "CapBnd")},
                         {"NoNewPrivs": "1", "Seccomp": "2", "CapEff": "0" * 16, "CapBnd": "0" * 16})
        self.assertRegex(self.fact("start.modes"), r"700 dustd:dustd /var/lib/dustd\n")
        self.assertRegex(self.fact("start.modes"), r"660 dustd:dustd /run/dustd/control.sock\n")

    def test_its_sandbox_allows_what_it_needs(self):
        inside = probe(self.fact("probe.inside"))
        self.assertEqual({what for what in ALLOWED if inside.get(what) != "ALLOWED"}, set(), inside)

    def test_its_sandbox_denies_the_rest(self):
        inside = probe(self.fact("probe.inside"))
        self.assertEqual({what: inside.get(what, "not tried") for what in DENIED
                          if inside.get(what, "ALLOWED") == "ALLOWED"}, {})
        self.assertEqual(set(inside), ALLOWED | DENIED, "everything that is tried is judged")
        print(f"RESULT the sandbox allows {len(ALLOWED)} things and denies {len(DENIED)}; "
              f"{self.fact('probe.security').lstrip('→ ')}", flush=True)

    def test_without_the_sandbox_the_same_user_may(self):
        outside = probe(self.fact("probe.outside"))
        self.assertEqual({what: outside.get(what) for what in LOOSE if outside.get(what) != "ALLOWED"}, {})

    def test_systemd_starts_it_again_when_it_is_killed(self):
        self.assertEqual(self.fact("killed.active"), "active")
        self.assertGreater(self.status("killed")["committed"], 3)

    def test_an_upgrade_keeps_rows_and_configuration_and_starts_the_new_program(self):
        self.assertEqual(self.fact("upgrade.status"), "0")
        self.assertEqual((self.fact("upgrade.old"), self.fact("upgrade.config")), (OLD, "kept"))
        self.assertNotEqual(self.fact("upgrade.new"), OLD)
        self.assertEqual(self.fact("upgrade.active"), "active")
        for what in ("restarted", "kept", "more"):
            self.assertEqual(self.fact(f"upgrade.{what}"), "yes", what)
        self.assertGreater(int(self.fact("upgrade.before")), 6)
        print(f"RESULT upgraded from {self.fact('upgrade.old')} "
              f"({os.environ.get('DUST_PREVIOUS') or 'the same sources'}) to {self.fact('upgrade.new')} with "
              f"{int(self.fact('upgrade.before')) - 2} rows", flush=True)

    def test_the_report_units_leave_pages_and_tables_in_their_sandbox_and_a_row_each(self):
        for kind in ("weekly", "half-month"):
            self.assertEqual(self.fact(f"report.{kind}.status"), "0", self.fact("report.journal"))
            self.assertEqual(set(self.fact(f"report.{kind}.result").splitlines()), {"Result=success", "ExecMainStatus=0"})
            self.assertRegex(self.fact(f"report.{kind}.timer"), r"^active\nNextElapseUSecRealtime=\w+ \d{4}-")
        files = self.fact("report.files").splitlines()
        self.assertEqual(len(files), 8, files)  # of each kind a report and its public notice, each a page and a table
        self.assertEqual({line.rsplit(" ", 1)[0] for line in files}, {"640 dustd:dustd"})
        self.assertEqual({line.rsplit(".", 1)[1] for line in files}, {"html", "csv"})
        self.assertEqual({line.rsplit(":", 1)[1] for line in self.fact("report.pages").splitlines()}, {"1"})
        self.assertEqual({line.strip() for line in self.fact("report.tables").splitlines()}, {"ef bb bf"})
        self.assertEqual((self.fact("report.heads"), self.fact("report.rows")), ("4", "2"))

    def test_it_stops_cleanly_and_its_journal_agrees_with_what_was_exported(self):
        self.assertEqual(set(self.fact("stop.result").splitlines()), {"Result=success", "ExecMainStatus=0"})
        self.assertTrue(self.fact("verify.said").endswith("status 0"), self.fact("verify.said"))

    def test_removing_leaves_data_and_configuration(self):
        self.assertEqual((self.fact("remove.status"), self.fact("remove.active")), ("0", "inactive"))
        self.assertEqual(self.fact("remove.left").splitlines(), ["/etc/dustd/dustd.yaml", "/var/lib/dustd/dust.db"])

    def test_purging_leaves_nothing(self):
        self.assertEqual((self.fact("purge.status"), self.fact("purge.left")), ("0", ""))


if __name__ == "__main__":
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    why = ("only in script/storm (or DUST_STORM=1): it boots a machine" if not harness.STORM else
           "needs root, for debootstrap" if os.geteuid() != 0 else
           f"needs {', '.join(missing)} (script/bootstrap --storm)" if missing else
           "once is enough: not under a sanitizer" if re.search("asan|tsan", harness.BUILD) else None)
    if why:
        print(f"skipped: {why}")
        sys.exit(harness.SKIP)
    print(f"seed: DUST_SEED={harness.SEED}", flush=True)
    unittest.main(module="__main__", verbosity=2)
