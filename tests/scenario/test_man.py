"""The man pages: well-formed, and each names exactly the options and verbs that its program has."""
import glob
import os
import re
import shutil
import subprocess
import unittest

import harness

PAGES = os.path.join(harness.SOURCE, "docs", "man")


def page(name):
    with open(os.path.join(PAGES, name)) as f:
        return f.read()


def usage(program):
    return subprocess.run([harness.program(program), "--help"], capture_output=True, text=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def options_of_page(text):
    """Long options that have an entry of their own."""
    entries = [line for line in text.splitlines() if line.startswith(".It Fl ")]
    return {name for line in entries for name in re.findall(r"Fl -([a-z][a-z-]*)", line)}


def letters_of_page(text):
    entries = [line for line in text.splitlines() if line.startswith(".It Fl ")]
    return {letter for line in entries for letter in re.findall(r"Fl ([a-zA-Z])\b(?!-)", line)}


class Man(unittest.TestCase):
    def lints(self, *command):
        for path in sorted(glob.glob(os.path.join(PAGES, "*.[1-8]"))):
            done = subprocess.run([*command, path], stdout=subprocess.DEVNULL if command[0] == "man" else subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
            self.assertEqual((done.returncode, done.stdout or "", done.stderr), (0, "", ""), path)

    @unittest.skipUnless(shutil.which("mandoc"), "needs mandoc")
    def test_mandoc_has_nothing_to_say(self):
        self.lints("mandoc", "-Tlint", "-Wwarning")

    @unittest.skipUnless(shutil.which("man") and shutil.which("groff"), "needs man-db and groff")
    def test_man_has_nothing_to_say(self):
        self.lints("man", "--warnings", "-l")

    def test_each_program_has_its_page(self):
        self.assertLessEqual({"dustd.8", "dustctl.1", "dustsim.1"}, set(os.listdir(PAGES)))

    def names_agree(self, name, program):
        said, written = usage(program), page(name)
        self.assertEqual(options_of_page(written), set(re.findall(r"--([a-z][a-z-]*)", said)) | {"help", "version"})
        letters = set(re.findall(r"(?m)^ +-([a-zA-Z])\b", said))
        self.assertEqual(letters_of_page(written), letters)
        synopsis = written.split(".Sh SYNOPSIS")[1].split(".Sh DESCRIPTION")[0]
        for option in re.findall(r"Fl -?([a-z][a-z-]*)", synopsis):
            self.assertIn(option, options_of_page(written) | letters)

    def test_dustds_options(self):
        self.names_agree("dustd.8", "dustd")

    def test_dustsims_options(self):
        self.names_agree("dustsim.1", "dustsim")

    def test_dustctls_options(self):
        self.names_agree("dustctl.1", "dustctl")

    def test_dustctls_verbs(self):
        listed = usage("dustctl").split("\n\n")[1]
        verbs = re.findall(r"(?m)^  ([a-z]+)", listed)
        self.assertEqual(re.findall(r"(?m)^\.It Cm ([a-z]+)", page("dustctl.1")), verbs)
        for verb in verbs:
            self.assertIn(verb, page("dustctl.1"))

    def test_the_steps_of_an_issue(self):
        named = re.search(r"VERB: ([a-z ]+)", usage("dustctl")).group(1).split()
        self.assertEqual(set(re.findall(r"[a-z]+", re.search(r"(?ms)takes it:\n(.*?)\n\.Ar text", page("dustctl.1"))
                                        .group(1).replace(".Cm", "").replace("\nor\n", " "))), set(named))


if __name__ == "__main__":
    unittest.main(verbosity=2)
