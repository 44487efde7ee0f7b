"""The limits that figures are held against, measured on the same machine in the same run."""

import os
import re
import subprocess
import time

from . import machine
from .world import Failed

MICROS = re.compile(r"^(.+?)\s{2,}([\d.]+) µs$")
RATE = re.compile(r"^(.+?)\s{2,}(\d+)/s\s+p50\s+([\d.]+) ms\s+p99\s+([\d.]+) ms")
SCAN = re.compile(r"^\s+(tail merged): (.+?)\s+p50\s+([\d.]+) ms\s+p99\s+([\d.]+) ms")


def micros(program):
    """An example that prints a name and CPU microseconds on each line."""
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    found = dict(match.groups() for match in map(MICROS.match, done.stdout.splitlines()) if match)
    if done.returncode != 0 or not found:
        raise Failed(f"{program}: {done.stderr[-500:]}")
    return {name: float(value) for name, value in found.items()}


def store(program, directory, resources):
    """The store alone: durable creates of 32 clients (seen and per two CPU-seconds), and scans of its index."""
    process = subprocess.Popen([program, directory, str(resources)], stdout=subprocess.PIPE, text=True)
    limits, used, cpu = {}, 0.0, 0.0
    for line in process.stdout:
        used, cpu = cpu, machine.cpu_of(process.pid)
        if match := RATE.match(line):
            name, rate, p50, p99 = match.groups()
            limits[name] = {"seen": float(rate), "p50_ms": float(p50), "p99_ms": float(p99), "cpu": cpu - used}
        elif match := SCAN.match(line):
            limits[match[2].strip()] = {"p50_ms": float(match[3]), "p99_ms": float(match[4])}
    if process.wait() != 0:
        raise Failed(f"{program} ended with {process.returncode}")
    first = limits["create from an empty store"]
    first["rate"] = 2 * resources / first["cpu"]
    return limits


def syncs(directory, seconds=2):
    """Appends of 4 KiB with fdatasync, one after the other, for each second."""
    path = directory / "fdatasync"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        count, began = 0, time.monotonic()
        while time.monotonic() - began < seconds:
            os.write(file, b"x" * 4096)
            os.fdatasync(file)
            count += 1
        return count / (time.monotonic() - began)
    finally:
        os.close(file)
        path.unlink()
