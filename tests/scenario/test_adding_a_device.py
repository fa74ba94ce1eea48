"""Follows docs/adding-a-device.md: writes its files, runs its commands, and sees what it promises to be seen."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import harness

PAGE = os.path.join(harness.SOURCE, "docs", "adding-a-device.md")
FOLDER = "/tmp/street"  # where the page works
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.M | re.S)


def plain(text):
    return " ".join(text.split())


def promised(expected, output):
    """The lines of `expected` that no line of `output` is; … stands for anything, also for nothing."""
    lines = [plain(line) for line in output.splitlines()]
    patterns = [".*".join(re.escape(part.strip()) for part in plain(line).split("…")) for line in expected.splitlines()]
    return [pattern for pattern in patterns if not any(re.fullmatch(r"\s*" + pattern.replace(".*", r"\s*.*?\s*") + r"\s*", line)
                                                       for line in lines)]


class Walk(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dust-street-")
        self.started, self.last = [], None
        self.environment = {**os.environ, "PATH": f"{harness.BUILD}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
        self.addCleanup(self.leave)

    def leave(self):
        for process in self.started:
            process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def here(self, text):
        return text.replace(FOLDER, self.folder)

    def write(self, name, text):
        append = name.startswith(">> ")
        path = os.path.join(self.folder, name.removeprefix(">> "))
        with open(path, "a" if append else "w") as f:
            f.write(self.here(text))

    def run_command(self, line):
        done = subprocess.run(["sh", "-c", line], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=harness.PATIENCE)
        return done.returncode, done.stdout

    def start(self, line):
        words = line.removesuffix("&").split()
        log = os.path.join(self.folder, f"{words[0]}.log")
        os.chdir(self.folder)
        self.started.append(harness.Process([harness.program(words[0]), *words[1:]], log))
        ready = {"dustsim": "ready", "dustd": " runs: "}[words[0]]
        harness.wait_for(f"{words[0]}: {ready}", lambda: ready in self.started[-1].text())

    def command(self, line):
        if line.startswith("cd "):
            return
        if line.endswith("&"):
            self.start(line)
            self.last = None
            return
        code, output = self.run_command(line)
        self.last = line
        self.assertEqual(code, 0, f"{line}\n{output}")

    def sees(self, expected):
        """What the last command shows, at once or after a while."""
        output = [""]

        def all_there():
            output[0] = self.run_command(self.last)[1]
            return not promised(expected, output[0])
        try:
            harness.wait_for("what the page promises", all_there)
        except AssertionError:
            self.fail(f"{self.last}\nshows\n{output[0]}\nnot\n{promised(expected, output[0])}")

    def test_the_page_works_as_it_says(self):
        with open(PAGE) as f:
            blocks = BLOCK.findall(f.read())
        self.assertGreaterEqual(len(blocks), 15, "blocks of the page")
        kinds = [kind for kind, _, _ in blocks]
        self.assertEqual(set(kinds), {"sh", "yaml", "text"})
        for kind, name, text in blocks:
            if kind == "yaml":
                self.write(name, text)
            elif kind == "sh":
                for line in self.here(text).splitlines():
                    self.command(line)
            else:
                self.assertIsNotNone(self.last, f"no command before\n{text}")
                self.sees(text)

    def test_a_promise_that_is_not_kept_is_noticed(self):
        shown = "gate/pm10   81.2 ug/m3   N  PM10\n"
        self.assertEqual(promised("gate/pm10  81.2 ug/m3 N PM10", shown), [])
        self.assertEqual(promised("gate/pm10 … PM10", shown), [])
        for wrong in ("gate/pm10  81.3 ug/m3 N PM10", "gate/pm10 81.2 ug/m3", "gate/pm10 … TSP"):
            self.assertEqual(len(promised(wrong, shown)), 1, wrong)


if __name__ == "__main__":
    unittest.main(verbosity=2)
