"""What a running process costs, read from /proc; its system calls by strace, where that is installed."""
import glob
import os
import re
import shutil
import signal
import subprocess
import time


def cpu_s(pid):
    """Processor time of all threads so far, to the nanosecond: /proc/PID/stat counts in hundredths of a second."""
    total = 0
    for task in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(task) as f:
                total += int(f.read().split()[0])
        except OSError:
            pass  # a thread that has ended
    return total / 1e9


def memory_kib(pid):
    """{"resident", "peak", "own"}: own is what no file backs, what the process costs beside its libraries' pages."""
    with open(f"/proc/{pid}/status") as f:
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M))
    return {"resident": int(fields["VmRSS"]), "peak": int(fields["VmHWM"]), "own": int(fields["RssAnon"])}


def syscalls(pid, seconds):
    """System calls of all threads in that time, by name; None without strace. Slows the process down: nothing else is measured then."""
    if not shutil.which("strace"):
        return None
    tracer = subprocess.Popen(["strace", "-f", "-c", "-p", str(pid)], stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    tracer.send_signal(signal.SIGINT)
    table = tracer.communicate()[1]
    return {m[2]: int(m[1]) for m in re.finditer(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", table, re.M)
            if m[2] != "total"}


CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=callgrind.out"]


def instructions(pid, folder, seconds):
    """Instructions of all threads in that time, of a program that runs under CALLGRIND in this folder."""
    subprocess.run(["vgdb", f"--pid={pid}", "zero"], check=True, capture_output=True)
    time.sleep(seconds)
    subprocess.run(["vgdb", f"--pid={pid}", "dump"], check=True, capture_output=True)
    with open(os.path.join(folder, "callgrind.out.1")) as f:
        return sum(int(n) for n in re.findall(r"^(?:summary|totals): (\d+)", f.read(), re.M)[:1])


def machine_s():
    """Processor time that all work of the machine has taken since it started, in seconds."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, steal = (int(n) for n in f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
