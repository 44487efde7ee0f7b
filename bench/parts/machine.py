"""What Linux counts about this machine and its processes."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """CPU seconds of a process with all its threads, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_of_all():
    """CPU seconds that every process of the machine used together."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = (
        int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICKS


def resident_mib(pid):
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def shape():
    """The machine, for whoever compares figures."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    return {"processor": model, "cores": os.cpu_count(), "memory_gib": round(memory, 1), "kernel": os.uname().release}
