"""Every map that ships: dustd takes it, dustsim plays it, and `dustd --once` reads from there what was put in."""
import glob
import json
import os
import re

import harness
import sites

NAMES = sorted(os.path.basename(f).removesuffix(".yaml")
               for f in glob.glob(os.path.join(harness.SOURCE, "config", "devices", "*.yaml")))
PERIOD_S, AT_ONCE = 60, 10  # a site cannot have more points than a message holds

HEAD = """
language: en
site: {name: library, title: {zh: 示例工地, en: Example Site}}
store: {dir: {dir}/state}
control_socket: {dir}/control.sock
buses:
  net: {transport: tcp, host: 127.0.0.1, port: PORT}
devices:
"""

WATCHED_SIM = """
buses:
  bus1: {transport: rtu, link: {dir}/bus1, baud: 115200}
units:
  meter:
    bus: bus1
    profile: watched
    unit_id: 1
    turnaround: 1ms
    points: {pm10: {constant: 80}, ratio: {constant: 1, steps: [{from: "10:00", to: "23:59", value: 0.6}]}}
"""
WATCHED = sites.HEAD + sites.BUS + """
devices:
  meter: {title: {zh: 一号扬尘仪, en: Dust meter 1}, bus: bus1, profile: watched, unit_id: 1, period: 2s,
    serial: "0017", certificate: "示例0001", calibration_due: 2026-03-20}
"""
WATCHED_PROFILE = """
title: {zh: 示例扬尘仪, en: Example dust meter}
points:
  pm10: {unit: ug/m3, role: pm10, address: 0x10, type: u16}
  ratio: {title: {zh: 校准倍率, en: Ratio}, address: 0x37, type: u16, scale: 0.01, decimals: 2, watch: true, period: 20s}
"""


def settings(printed):
    """{profile: {point: {key: text}}} of what dustd --print shows of the files behind its #."""
    profiles, profile, point, inside = {}, None, None, False
    for line in printed.splitlines():
        head = re.match(r"# devices/(\S+)\.yaml$", line)
        key = re.match(r"#( +)([^ :]+):(?: (.*))?$", line)
        if head:
            profile, inside = profiles.setdefault(head[1], {}), False
        elif key and len(key[1]) == 3:
            inside = key[2] == "points"
        elif key and inside and len(key[1]) == 5:
            point = profile.setdefault(key[2], {})
        elif key and inside and len(key[1]) == 7:
            point[key[2]] = (key[3] or "").strip('"')
    return profiles


def middle(point):
    """A believable value of the point, which its registers can hold exactly."""
    if point["type"] == "bit":
        return 1
    low = float(point.get("usual_low", point.get("low", "0")))
    high = float(point.get("usual_high", point.get("high", "200")))
    return round((low + high) / 2, min(int(point.get("decimals", "0")), 1))


class Library(harness.ScenarioTest):
    def open(self, names):
        """A site of these profiles and its simulator's file; (site, {device/point: what its registers hold})."""
        port = harness.free_port()
        devices = "".join(f"  {name}: {{bus: net, profile: {name}, unit_id: {i}, period: {PERIOD_S}s}}\n"
                          for i, name in enumerate(names, 1))
        site = self.site("", HEAD.replace("PORT", str(port)) + devices, broker=False)
        status, printed, errors = site.run_dustd("--print")
        self.assertEqual(status, 0, errors)
        profiles = settings(printed)
        self.assertEqual(sorted(profiles), names)
        sim = f"buses:\n  net: {{transport: tcp, port: {port}}}\nunits:\n"
        for i, name in enumerate(names, 1):
            points = ", ".join(f"{p}: {{constant: {middle(s)}}}" for p, s in profiles[name].items())
            sim += f"  {name}: {{bus: net, profile: {name}, unit_id: {i}, turnaround: 0ms, points: {{{points}}}}}\n"
        site.write("sim.yaml", sim)
        return site, {f"{name}/{p}": middle(s) for name in names for p, s in profiles[name].items()}

    def reads_what_was_put_in(self, names):
        site, wanted = self.open(names)
        status, output, errors = site.run_dustd("--check")
        self.assertEqual(status, 0, output + errors)
        site.start_sim()
        status, output, errors = site.run_dustd("--once")
        self.assertEqual(status, 0, output + errors)
        read = {}
        for line in output.splitlines():
            name, value = line.split()[:2]
            read[name] = (value, re.search(r" ([NTDBMCSF])  ", line)[1])
        self.assertEqual(sorted(read), sorted(wanted))
        for name, value in wanted.items():
            self.assertEqual(read[name][1], "N", f"{name}: {read[name]}")
            self.assertAlmostEqual(float(read[name][0]), value, places=6, msg=name)

    def test_every_profile_passes_the_check_and_reads_from_dustsim_what_was_put_in(self):
        self.assertGreaterEqual(len(NAMES), 16)
        for i in range(0, len(NAMES), AT_ONCE):
            self.reads_what_was_put_in(NAMES[i:i + AT_ONCE])

    def test_a_calibration_factor_that_is_turned_down_is_a_row_with_the_old_and_the_new_value(self):
        site = self.site(WATCHED_SIM, WATCHED, rate=60, start="2026-03-05T09:58:00+08:00", broker=False)
        os.mkdir(os.path.join(site.dir, "devices"))
        site.write("devices/watched.yaml", WATCHED_PROFILE)
        site.start_sim("--devices", os.path.join(site.dir, "devices"))
        site.start_dustd()
        rows = lambda: [b for b in (json.loads(r["body"]) for r in site.export_live("device")) if "register" in b]
        first, change = harness.wait_for("the change", lambda: rows() if len(rows()) > 1 else None)
        self.assertEqual((first["subject"], first["register"], first["new"], first["new_raw"]), ("meter", "ratio", 1, "0064"))
        self.assertNotIn("old", first)
        self.assertEqual((change["old"], change["new"], change["old_raw"], change["new_raw"]), (1, 0.6, "0064", "003C"))
        setting = json.loads(site.ctl("--json", "devices"))[0]["settings"][0]
        self.assertEqual((setting["name"], setting["v"], setting["changed"], setting["since"]), ("ratio", 0.6, True, change["ts"]))
        self.assertRegex(site.ctl("devices"), r"meter/ratio +校准倍率 +0\.60 +003C .*已改动")
        self.assertRegex(site.ctl("devices"), r"meter +0017 +示例0001 +2026-03-20 +即将到期，还有 15 天")
        self.assertIn("calibration_due", site.ctl("--json", "status"))
        self.assertIn("meter/ratio: this setting of the device was changed: from 0x0064 to 0x003C", site.dustd.text())
        minute = json.loads(harness.wait_for("a minute", lambda: site.export_live("minute"))[-1]["body"])
        self.assertEqual(list(minute["points"]), ["meter/pm10"])


if __name__ == "__main__":
    harness.main()
