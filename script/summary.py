"""summary.py DIR SECONDS SEED: what script/test found, failures and skipped tests by name, the count last.

DIR holds `notes` (status, name, seconds by line) and one JUnit file of ctest for each preset. Exit 1 when
anything failed or nothing passed.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def of_notes(path):
    if path.exists():
        for line in path.read_text().splitlines():
            status, name, seconds = line.split("\t")[:3]
            yield status, name, float(seconds), ""


def of_junit(path):
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        output = (case.findtext("system-out") or "").strip().splitlines()
        if case.find("skipped") is not None:
            status, why = "skipped", output[-1] if output else "it does not say why"
        elif case.find("failure") is not None or case.get("status") == "fail":
            status, why = "failed", ""
        else:
            status, why = "passed", ""
        yield status, f"{path.stem}: {case.get('name')}", float(case.get("time") or 0), why


def main(directory, seconds, seed):
    directory = pathlib.Path(directory)
    found = list(of_notes(directory / "notes"))
    for path in sorted(directory.glob("*.xml")):
        found += of_junit(path)
    count = {status: sum(f[0] == status for f in found) for status in ("passed", "failed", "skipped")}

    print(f"\n-- summary (seed {seed}, {int(seconds) // 60} min {int(seconds) % 60} s)")
    for _, name, took, _ in sorted(found, key=lambda f: -f[2])[:5]:
        print(f"   slow    {took:6.1f} s  {name}")
    for status, name, took, why in found:
        if status != "passed":
            print(f"   {status:7} {took:6.1f} s  {name}{': ' + why if why else ''}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
