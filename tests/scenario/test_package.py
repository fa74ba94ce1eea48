"""The Debian package and what stands in it: files, modes, scripts, the unit and its sandbox, the udev rule."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import harness

SOURCE = harness.SOURCE
BUILD = os.path.join(SOURCE, "build", "package")
# path below the root -> mode; every file of the package but profiles, limits, requirements, wordings and documents
FILES = {
    "etc/dustd/dustd.yaml": 0o644,
    "usr/sbin/dustd": 0o755,
    "usr/bin/dustctl": 0o755,
    "usr/bin/dustsim": 0o755,
    "usr/lib/systemd/system/dustd.service": 0o644,
    "usr/lib/systemd/system/dustd.service.d/clock.conf": 0o644,
    "usr/lib/systemd/system/dustd-report@.service": 0o644,
    "usr/lib/systemd/system/dustd-report-weekly.timer": 0o644,
    "usr/lib/systemd/system/dustd-report-half-month.timer": 0o644,
    "usr/lib/sysusers.d/dustd.conf": 0o644,
    "usr/lib/tmpfiles.d/dustd.conf": 0o644,
    "usr/lib/modules-load.d/dustd.conf": 0o644,
    "usr/lib/udev/rules.d/60-dustd.rules": 0o644,
    "usr/share/man/man1/dustctl.1.gz": 0o644,
    "usr/share/man/man1/dustsim.1.gz": 0o644,
    "usr/share/man/man8/dustd.8.gz": 0o644,
    "usr/share/doc/dustd/changelog.gz": 0o644,
    "usr/share/doc/dustd/copyright": 0o644,
    "usr/share/doc/dustd/operations.md": 0o644,
}
OPEN_ENDED = re.compile(r"usr/share/dustd/(devices|limits|requirements|sim|wording)/[a-z0-9-]+\.yaml|usr/share/doc/dustd/.+"
                        r"|usr/share/man/man5/dustd\.yaml\.5\.gz|usr/share/dustd/.+")
LIBRARIES = {"libc6", "libjansson4", "libmodbus5", "libmosquitto1", "libsodium23", "libsqlite3-0", "libssl3", "libyaml-0-2", "zlib1g"}
CHIPS = {"ch341-uart": True, "ftdi_sio": True, "cp210x": True, "pl2303": True, "cdc_acm": False}
DEVICE = """P: /devices/usb1/1-1
N: bus/usb/001/002
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
A: idVendor=1a86\\n
A: idProduct=7523\\n

P: /devices/usb1/1-1/1-1:1.0/ttyUSB0
E: SUBSYSTEM=usb-serial
E: DRIVER={driver}
L: driver=../../../../../bus/usb-serial/drivers/{driver}

P: /devices/usb1/1-1/1-1:1.0/ttyUSB0/tty/ttyUSB0
N: ttyUSB0
E: DEVNAME=/dev/ttyUSB0
E: SUBSYSTEM=tty
"""
IN_A_RUN_OF_ITS_OWN = ("mount -t tmpfs none /run && mkdir -p /run/udev/rules.d && cp $1 /run/udev/rules.d/60-dustd.rules && "
                       "exec umockdev-run -d $2 -- udevadm test /sys/devices/usb1/1-1/1-1:1.0/ttyUSB0/tty/ttyUSB0")


def run(*args, **named):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **named)


def needs(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    return unittest.skipIf(missing, f"needs {', '.join(missing)}")


def settings(path):
    """Lines NAME=value of a unit, in order."""
    with open(path) as f:
        return [tuple(line.strip().split("=", 1)) for line in f if re.match(r"[A-Z]\w+=", line)]


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for old in os.listdir(BUILD) if os.path.isdir(BUILD) else []:
            if old.endswith(".deb"):
                os.remove(os.path.join(BUILD, old))
        for step in (["cmake", "--preset", "package"], ["cmake", "--build", BUILD],
                     ["cmake", "--build", BUILD, "--target", "package"]):
            done = run(*step, cwd=SOURCE)
            if done.returncode != 0:
                raise AssertionError(f"{' '.join(step)}:\n{done.stdout[-4000:]}")
        cls.deb = next(os.path.join(BUILD, name) for name in os.listdir(BUILD) if name.endswith(".deb"))
        cls.root = tempfile.mkdtemp(prefix="dust-deb-")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        subprocess.run(["dpkg-deb", "-R", cls.deb, cls.root], check=True)
        # the unit as it is installed, but for where this package is unpacked
        cls.units = tempfile.mkdtemp(prefix="dust-units-")
        cls.addClassCleanup(shutil.rmtree, cls.units)
        with open(cls.path("usr/lib/systemd/system/dustd.service")) as unit, \
                open(os.path.join(cls.units, "dustd.service"), "w") as copy:
            copy.write(unit.read().replace("/usr/sbin/dustd", cls.path("usr/sbin/dustd")))

    @classmethod
    def path(cls, name):
        return os.path.join(cls.root, name)

    def field(self, name):
        return subprocess.run(["dpkg-deb", "-f", self.deb, name], capture_output=True, text=True, check=True).stdout.strip()

    def succeeds(self, *args, **named):
        done = run(*args, **named)
        self.assertEqual(done.returncode, 0, f"{' '.join(args)}:\n{done.stdout}")
        return done.stdout

    # the package

    def test_it_holds_what_it_should_and_nothing_else(self):
        found = {}
        for line in self.succeeds("dpkg-deb", "-c", self.deb).splitlines():
            mode, owner, _, _, _, name = line.split(None, 5)
            self.assertEqual(owner, "root/root", line)
            if mode.startswith("-"):
                found[name.removeprefix("./")] = mode
        for name, mode in FILES.items():
            self.assertEqual(found.get(name), "-" + "".join(c if mode >> (8 - i) & 1 else "-" for i, c in
                                                             enumerate("rwxrwxrwx")), name)
        for name in set(found) - set(FILES):
            self.assertRegex(name, f"^({OPEN_ENDED.pattern})$")
            self.assertEqual(found[name], "-rw-r--r--", name)
        for room in ("devices", "limits", "requirements", "wording"):
            self.assertEqual(sorted(os.listdir(self.path(f"usr/share/dustd/{room}"))),
                             sorted(os.listdir(os.path.join(SOURCE, "config", room))))

    def test_the_sites_configuration_is_a_conffile_and_the_only_one(self):
        with open(self.path("DEBIAN/conffiles")) as f:
            self.assertEqual(f.read().split(), ["/etc/dustd/dustd.yaml"])
        self.assertEqual([name for name in FILES if name.startswith("etc/")], ["etc/dustd/dustd.yaml"])

    def test_it_depends_on_the_libraries_it_is_linked_with(self):
        found = {part.split()[0] for part in self.field("Depends").split(",")}
        self.assertLessEqual(LIBRARIES, found)

    def test_its_version_is_the_programs(self):
        said = self.succeeds(self.path("usr/sbin/dustd"), "--version").strip()
        self.assertEqual(said, f"dustd {self.field('Version')}")

    def test_it_names_no_person_as_maintainer(self):
        self.assertRegex(self.field("Maintainer"), r"^dustd maintainers <")

    def test_the_installed_example_passes_the_installed_check(self):
        self.succeeds(self.path("usr/sbin/dustd"), "-c", self.path("etc/dustd/dustd.yaml"), "--data",
                      self.path("usr/share/dustd"), "--check")
        self.succeeds(self.path("usr/bin/dustsim"), "--check", "--devices", self.path("usr/share/dustd/devices"),
                      self.path("usr/share/dustd/sim/demo-site.yaml"))

    def test_the_installed_example_names_no_port_that_a_machine_has(self):
        with open(self.path("etc/dustd/dustd.yaml")) as f:
            ports = re.findall(r"(?m)^ +path: (\S+)", f.read())
        self.assertEqual(ports, ["/dev/serial/by-id/usb-your-adapter-if00-port0"])

    @needs("lintian")
    def test_lintian_finds_neither_errors_nor_warnings(self):
        self.succeeds("lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", self.deb)

    @needs("hardening-check")
    def test_the_programs_are_built_hardened(self):
        # Debian 12's C start files carry no mark of control flow protection, so no program there has it; the
        # instructions are there (next test).
        self.succeeds("hardening-check", "--nocfprotection",
                      *(self.path(name) for name, mode in FILES.items() if mode == 0o755))

    @needs("objdump")
    def test_the_programs_land_where_they_were_meant_to(self):
        if os.uname().machine != "x86_64":
            self.skipTest("endbr64 is an instruction of x86-64")
        for name in (name for name, mode in FILES.items() if mode == 0o755):
            self.assertIn("endbr64", self.succeeds("objdump", "-d", "--section=.text", self.path(name)))

    @needs("shellcheck")
    def test_the_scripts_are_clean(self):
        for name in ("postinst", "prerm", "postrm"):
            self.succeeds("shellcheck", "-s", "sh", self.path(f"DEBIAN/{name}"))
            self.assertEqual(os.stat(self.path(f"DEBIAN/{name}")).st_mode & 0o777, 0o755)
        self.succeeds("shellcheck", "-s", "sh", os.path.join(SOURCE, "packaging/openwrt/dustd.init"))

    # the unit

    def test_the_unit_says_what_it_must_and_leaves_out_what_would_break_dustd(self):
        lines = settings(self.path("usr/lib/systemd/system/dustd.service"))
        for line in (("Type", "notify"), ("User", "dustd"), ("Group", "dustd"), ("SupplementaryGroups", "dialout"),
                     ("RestartPreventExitStatus", "78"), ("Restart", "always"), ("StartLimitIntervalSec", "0"),
                     ("ExecStart", "/usr/sbin/dustd --config /etc/dustd/dustd.yaml")):
            self.assertIn(line, lines)
        names = {name for name, _ in lines}
        self.assertFalse(names & {"PrivateUsers", "ProtectClock", "IPAddressDeny", "LoadCredential", "PrivateDevices",
                                  "ProcSubset"})
        self.assertIn("adjtimex", settings(self.path("usr/lib/systemd/system/dustd.service.d/clock.conf"))[0][1])

    @needs("systemd-analyze")
    def test_systemd_takes_the_unit_and_its_drop_ins(self):
        folder = os.path.join(self.units, "dustd.service.d")
        shutil.copytree(self.path("usr/share/doc/dustd/examples/systemd"), folder)
        self.addCleanup(shutil.rmtree, folder)
        shutil.copy(self.path("usr/lib/systemd/system/dustd.service.d/clock.conf"), folder)
        said = self.succeeds("systemd-analyze", "verify", "--man=no", os.path.join(self.units, "dustd.service"))
        self.assertNotIn("dustd.service", said)

    @needs("systemd-analyze")
    def test_the_units_exposure_is_at_most_1_6_and_1_9_with_the_question_for_the_clock(self):
        def score(folder):
            said = run("systemd-analyze", "security", "--offline=yes", "--no-pager", os.path.join(folder, "dustd.service"))
            return float(re.search(r"Overall exposure level for dustd.service: ([0-9.]+)", said.stdout).group(1))
        alone = score(self.units)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(self.units, "dustd.service"), folder)
            os.mkdir(os.path.join(folder, "dustd.service.d"))
            shutil.copy(self.path("usr/lib/systemd/system/dustd.service.d/clock.conf"),
                        os.path.join(folder, "dustd.service.d"))
            whole = score(folder)
        print(f"RESULT exposure {alone} alone, {whole} as installed")
        self.assertLessEqual(alone, 1.6)
        self.assertLessEqual(whole, 1.9)
        self.succeeds("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=16",
                      os.path.join(self.units, "dustd.service"))

    # the reports' timers

    def report_unit(self, folder):
        """The reports' units as they are installed, but for where this package is unpacked."""
        for name in ("dustd-report@.service", "dustd-report-weekly.timer", "dustd-report-half-month.timer"):
            with open(self.path(f"usr/lib/systemd/system/{name}")) as unit, open(os.path.join(folder, name), "w") as copy:
                copy.write(unit.read().replace("/usr/bin/dustctl", self.path("usr/bin/dustctl")))
        return folder

    @needs("systemd-analyze")
    def test_systemd_takes_the_reports_units_and_no_script_enables_their_timers(self):
        with tempfile.TemporaryDirectory() as folder:
            self.report_unit(folder)
            shutil.copy(os.path.join(self.units, "dustd.service"), folder)
            said = self.succeeds("systemd-analyze", "verify", "--man=no", os.path.join(folder, "dustd-report-weekly.timer"),
                                 os.path.join(folder, "dustd-report-half-month.timer"),
                                 os.path.join(folder, "dustd-report@weekly.service"))
            self.assertNotIn("dustd-report", said)
        with open(self.path("DEBIAN/postinst")) as f:
            self.assertNotIn("dustd-report", f.read())

    @needs("systemd-analyze")
    def test_the_reports_exposure_is_at_most_0_4(self):
        with tempfile.TemporaryDirectory() as folder:
            self.report_unit(folder)
            said = run("systemd-analyze", "security", "--offline=yes", "--no-pager",
                       os.path.join(folder, "dustd-report@.service"))
            print("RESULT " + said.stdout.strip().splitlines()[-1])
            self.assertLessEqual(float(re.search(r"level for dustd-report@\w*.service: ([0-9.]+)", said.stdout).group(1)), 0.4)

    @needs("systemd-analyze")
    def test_the_reports_are_made_after_their_periods_have_ended(self):
        for name, base, next_one in (("weekly", "2026-11-28 00:00:00 UTC", "2026-11-29 22:00:00 UTC"),
                                     ("half-month", "2026-11-28 00:00:00 UTC", "2026-11-30 22:20:00 UTC"),
                                     ("half-month", "2026-12-02 00:00:00 UTC", "2026-12-15 22:20:00 UTC")):
            lines = dict(settings(self.path(f"usr/lib/systemd/system/dustd-report-{name}.timer")))
            said = self.succeeds("systemd-analyze", "calendar", f"--base-time={base}", lines["OnCalendar"],
                                 env={**os.environ, "TZ": "UTC"})
            self.assertIn(next_one, said)
            self.assertEqual(lines["Unit"], f"dustd-report@{name}.service")

    @needs("systemd-sysusers", "systemd-tmpfiles")
    def test_user_and_directories_are_made_in_an_empty_root(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to give files away")
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "etc"))
            self.succeeds("systemd-sysusers", f"--root={root}", self.path("usr/lib/sysusers.d/dustd.conf"))
            with open(os.path.join(root, "etc/passwd")) as f:
                self.assertRegex(f.read(), r"(?m)^dustd:.*:/var/lib/dustd:/usr/sbin/nologin$")
            self.succeeds("systemd-tmpfiles", f"--root={root}", "--create", self.path("usr/lib/tmpfiles.d/dustd.conf"))
            for name, mode in (("var/lib/dustd", 0o700), ("run/dustd", 0o755), ("etc/dustd/cred", 0o700)):
                self.assertEqual(os.stat(os.path.join(root, name)).st_mode & 0o777, mode, name)

    # the udev rule

    @needs("udevadm", "umockdev-run", "unshare")
    def test_modem_manager_leaves_adapters_alone_but_not_modems(self):
        if run("unshare", "-rm", "true").returncode != 0:
            self.skipTest("needs a mount name space of its own")
        rule = self.path("usr/lib/udev/rules.d/60-dustd.rules")
        for driver, ignored in CHIPS.items():
            with tempfile.NamedTemporaryFile("w", suffix=".umockdev") as device:
                device.write(DEVICE.format(driver=driver))
                device.flush()
                said = self.succeeds("unshare", "-rm", "sh", "-c", IN_A_RUN_OF_ITS_OWN, "sh", rule, device.name)
            self.assertIn("DEVNAME=/dev/ttyUSB0", said)
            self.assertNotRegex(said, r"60-dustd.rules:\d+ .*(Invalid|Unknown|Failed)")
            for name in ("ID_MM_DEVICE_IGNORE=1", "ID_MM_PORT_IGNORE=1"):
                self.assertEqual(name in said, ignored, driver)


if __name__ == "__main__":
    for tool in ("cmake", "dpkg-deb", "dpkg-shlibdeps", "gzip"):
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            sys.exit(harness.SKIP)
    unittest.main(verbosity=2)
