"""dustctl watch on a real terminal (tmux) and in a real pipe, beside a real daemon."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import unicodedata
import unittest

import harness
import sites

TMUX = shutil.which("tmux")


def width(text):
    """Columns on a terminal, reckoned by Python's tables and not by ours."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Terminal:
    """A shell in a tmux of its own."""

    def __init__(self, folder, columns=80, rows=24, **env):
        self.folder = tempfile.TemporaryDirectory(prefix="dust-tmux-")  # the site's is gone before the terminal is
        self.socket = os.path.join(self.folder.name, "socket")
        self.env = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8", **env}
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "env PS1=shell\\> sh")
        harness.wait_for("a shell", lambda: "shell>" in self.text())

    def tmux(self, *words):
        return subprocess.run([TMUX, "-u", "-f", "/dev/null", "-S", self.socket, *words], capture_output=True, text=True,
                              timeout=harness.PATIENCE, env=self.env, check=True).stdout

    def lines(self):
        return self.tmux("capture-pane", "-p").split("\n")

    def text(self):
        return self.tmux("capture-pane", "-p")

    def type(self, text):
        self.tmux("send-keys", "-l", text)
        self.press("Enter")

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def clear(self):
        self.type("clear")
        harness.wait_for("an empty screen", lambda: "ended" not in self.text() and "echo" not in self.text())

    def fact(self, name):
        return self.tmux("display-message", "-p", "#{" + name + "}").strip()

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def sees(self, what):
        """The screen, once it shows this (a text or an expression)."""
        try:
            return harness.wait_for(what, lambda: re.search(what, self.text()) and self.text())
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen is:\n{self.text()}") from None

    def is_given_back(self):
        return self.fact("alternate_on") == "0" and self.fact("cursor_flag") == "1"

    def close(self):
        if os.path.exists(self.socket):  # a test may have closed it itself
            self.tmux("kill-server")
        self.folder.cleanup()


class Watching(harness.ScenarioTest):
    def started(self, sim=sites.BREACH_SIM, config=sites.BREACH, start="2026-03-05T09:50:00+08:00", **named):
        site = self.site(sim, config, broker=False, rate=60, start=start, **named)
        site.start_sim()
        site.start_dustd()
        return site

    def terminal(self, site, *args, **env):
        terminal = Terminal(site.dir, **env)
        self.addCleanup(terminal.close)
        self.watch(terminal, site, *args)
        return terminal

    def watch(self, terminal, site, *args):
        terminal.type(" ".join([harness.program("dustctl"), "--socket", os.path.join(site.dir, "control.sock"), "watch",
                                *args, "; echo ended $?"]))

    def assert_in_line(self, screen, letters, columns):
        """Nothing is wider than the screen, and the quality of each point begins in one column."""
        found = set()
        for line in screen.split("\n"):
            self.assertLessEqual(width(line), columns, line)
            if match := re.match(letters, line):
                found.add((width(match.group(1)), width(line)))
        self.assertEqual(len(found), 1, screen)

    def test_chinese_and_english_stand_in_line(self):
        site = self.started(config=sites.BREACH.replace(sites.BROKER, ""))
        for language, words in (("zh", ("示例工地", "没有未销号的问题", "N 正常", "总悬浮颗粒物", r"^(   .*μg/m³ +)N 正常 .*秒$")),
                                ("en", ("Example Site", "no open issues", "N normal", "TSP", r"^(   .*μg/m³ +)N normal .* s$"))):
            terminal = self.terminal(site, "--lang", language)
            for word in words[:4]:
                terminal.sees(word)
            for columns, rows in ((80, 24), (60, 15), (132, 40), (61, 23)):
                terminal.resize(columns, rows)
                quit_line = "q 退出" if language == "zh" else "q quit"
                harness.wait_for("the foot at the end of the new size", lambda: (lines := terminal.lines()) and
                                 quit_line in lines[rows - 1] and width(lines[rows - 1]) in (columns, columns - 1))
                terminal.press("3")  # devices first, where there is little room
                screen = terminal.sees("设备与测点" if language == "zh" else "devices and points")
                screen = terminal.sees("PM10  ")
                self.assert_in_line(screen, words[4], columns)
            terminal.press("q")
            terminal.sees("ended 0")
            terminal.close()

    def test_a_window_too_small_says_so_and_goes_on_when_it_is_larger(self):
        site = self.started(config=sites.BREACH.replace(sites.BROKER, ""))
        terminal = self.terminal(site)
        terminal.sees("PM10  ")
        terminal.resize(50, 10)
        terminal.sees("窗口太小：至少要 60x15，现在 50x10")
        terminal.resize(80, 24)
        terminal.sees("PM10  ")

    def test_keys_scroll_and_the_foot_says_where(self):
        site = self.started(config=sites.BREACH.replace(sites.BROKER, ""))
        terminal = self.terminal(site)
        terminal.resize(70, 15)
        terminal.sees(r"第 1-12 行，共 \d\d 行")
        terminal.press("Down", "Down")
        terminal.sees(r"第 3-14 行")
        terminal.press("End")
        screen = terminal.sees(r"第 \d+-(\d+) 行，共 \1 行")
        self.assertIn("dustd 0.1.0 启动", screen)
        terminal.press("Home")
        terminal.sees(r"第 1-12 行")
        terminal.press("PageDown")
        terminal.sees(r"第 12-23 行")
        terminal.press("1")
        terminal.sees(r"第 1-12 行")

    def test_a_new_size_is_seen_where_no_signal_tells_of_it(self):
        """As when the window changes while dustctl is starting."""
        site = self.started(config=sites.BREACH.replace(sites.BROKER, ""))
        terminal, end = pty.openpty()
        self.addCleanup(os.close, terminal)
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        watch = subprocess.Popen([harness.program("dustctl"), "--socket", os.path.join(site.dir, "control.sock"), "watch"],
                                 stdin=end, stdout=end, env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        os.close(end)
        shown = bytearray()

        def sees(what):
            if select.select([terminal], [], [], 0.1)[0]:
                shown.extend(os.read(terminal, 65536))
            return re.search(what, shown.decode(errors="replace"))

        harness.wait_for("the screen", lambda: sees("第 1-21 行"))
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 15, 70, 0, 0))
        harness.wait_for("the smaller one", lambda: sees("第 1-12 行"))
        watch.terminate()
        self.assertEqual(watch.wait(harness.PATIENCE), 0)

    def test_ctrl_c_and_sigterm_give_the_terminal_back(self):
        site = self.started(config=sites.BREACH.replace(sites.BROKER, ""))
        terminal = self.terminal(site)
        for how in ("C-c", signal.SIGTERM, "q"):
            if how != "C-c":
                self.watch(terminal, site)
            terminal.sees("示例工地")
            self.assertEqual(terminal.fact("alternate_on"), "1")
            if isinstance(how, str):
                terminal.press(how)
            else:
                os.kill(int(subprocess.check_output(["pgrep", "-f", f"{harness.program('dustctl')} --socket {site.dir}"])), how)
            terminal.sees("ended 0")
            self.assertTrue(terminal.is_given_back())
            terminal.type("clear; stty -a | grep -ow -e '-\\?echo' -e '-\\?icanon' -e '-\\?isig' | sort | tr '\\n' '+'")
            settings = re.search(r"(?m)^([a-z+-]+\+)", terminal.sees(r"(?m)^[a-z+-]+\+")).group(1)
            self.assertEqual(settings, "echo+icanon+isig+")
            terminal.clear()

    def test_a_daemon_that_stops_is_shown_and_one_that_starts_again_too(self):
        site = self.started(config=sites.BREACH.replace(sites.BROKER, ""), continuous=True)
        terminal = self.terminal(site)
        terminal.sees(r"PM10 +1\d\d μg/m³")
        self.assertEqual(site.dustd.stop(), 0)
        screen = terminal.sees("dustd 没有运行")
        self.assertIn("以下是 2026-03-05", screen)
        self.assertRegex(screen, r"PM10 +— μg/m³")
        self.assertNotRegex(screen, r"\d μg/m³ +N")
        self.assertNotIn("正常", screen)
        site.start_dustd()
        screen = terminal.sees(r"PM10 +1\d\d μg/m³ +N 正常")
        self.assertNotIn("没有运行", screen)
        terminal.press("End")
        terminal.sees("dustd 停止")

    def test_a_failed_reading_is_a_dash_and_its_reason(self):
        site = self.started(sites.SILENT_SIM, sites.BREACH.replace(sites.BROKER, ""))
        terminal = self.terminal(site)
        terminal.sees(r"一号扬尘仪 \(meter\) +隔离 +无应答，03-05 09:5")
        screen = terminal.sees(r"PM10 +— μg/m³ +B 无通信：无应答")
        self.assertNotRegex(screen, r"PM10 +[0-9]")

    def test_an_issue_is_shown_with_light_and_deadline(self):
        site = self.site(sites.BREACH_SIM, sites.BREACH.replace(sites.BROKER, ""), broker=False, rate=600,
                         start="2026-03-05T09:50:00+08:00")
        site.start_sim()
        site.start_dustd()
        terminal = self.terminal(site)
        terminal.sees(r"[GY] [绿黄]灯 +LQ-2026-0001")
        screen = terminal.sees(r"回复期限 03-05 1\d:\d\d 剩 ")
        self.assertIn("site-manager", screen)
        self.assertIn("超标", screen)

    def test_without_utf8_it_speaks_english_in_ascii(self):
        site = self.started(config=sites.BREACH.replace(sites.BROKER, ""))
        terminal = self.terminal(site, LC_ALL="C")
        screen = terminal.sees(r"PM10 +1\d\d ug/m3 +N normal")
        self.assertTrue(screen.isascii(), screen)
        terminal.press("q")
        terminal.sees("ended 0")
        terminal.clear()
        self.watch(terminal, site, "--lang", "zh")
        terminal.sees("示例工地")

    def pipe(self, site, *args):
        return subprocess.Popen([harness.program("dustctl"), "--socket", os.path.join(site.dir, "control.sock"), "watch", *args],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_in_a_pipe_each_change_is_one_plain_line_at_once(self):
        site = self.started(config=sites.BREACH.replace(sites.BROKER, ""), continuous=True)
        watch = self.pipe(site)
        seen = []
        for line in watch.stdout:
            self.assertTrue(line.endswith("\n") and line[:-1].isprintable(), line)
            seen.append(line)
            if len([l for l in seen if "meter/pm10 " in l]) == 3:
                break
        self.assertIn("dustd 有应答", seen[0])
        site.dustd.stop()
        for line in watch.stdout:
            if "dustd 没有运行，读数一律未知" in line:
                break
        site.start_dustd()
        for line in watch.stdout:
            if "meter/pm10 " in line and "N 正常" in line:
                break
        watch.send_signal(signal.SIGTERM)
        self.assertEqual(watch.wait(harness.PATIENCE), 0)
        watch.stdout.close()
        watch.stderr.close()

    def test_lines_for_programs_are_json_and_a_failed_reading_has_no_value(self):
        site = self.started(sites.SILENT_SIM, sites.BREACH.replace(sites.BROKER, ""))
        watch = self.pipe(site, "--json")
        for line in watch.stdout:
            change = json.loads(line)
            if change["what"] == "point" and change["point"] == "meter/pm10" and change.get("q") == "B":
                break
        self.assertNotIn("v", change)
        self.assertEqual(change["why"], "no answer")
        watch.stdout.close()
        # the reader has left: nobody needs to wait for the next change
        self.assertIn(watch.wait(harness.PATIENCE), (0, -signal.SIGPIPE))
        self.assertEqual(watch.stderr.read(), "")
        watch.stderr.close()

    def test_where_no_daemon_runs_it_says_so_and_ends(self):
        done = subprocess.run([harness.program("dustctl"), "--socket", "/nonexistent/socket", "--lang", "en", "watch"],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("dustd is not running", done.stderr)


if __name__ == "__main__":
    if not TMUX:
        print("skipped: there is no tmux")
        sys.exit(harness.SKIP)
    print(f"seed: DUST_SEED={harness.SEED}", flush=True)
    unittest.main(verbosity=2)
