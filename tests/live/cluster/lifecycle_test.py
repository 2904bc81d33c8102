#!/usr/bin/env python3
"""Up, status and down of a cluster in a folder of its own: killed in between, broken, and taken away without a trace."""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import cluster
import harness
from harness import Result, wait_for

RUN = os.path.join(cluster.REPOSITORY, "tests/cluster/run")
PORT = 16543
LIMIT = 300


class Place:
    """Where one test's cluster lives."""

    def __init__(self):
        self.base = tempfile.mkdtemp(prefix="harmony-cluster-")
        self.folder = os.path.join(self.base, "cluster")
        self.environment = {**os.environ, "HARMONY_CLUSTER_FOLDER": self.folder, "HARMONY_CLUSTER_PORT": str(PORT)}

    def command(self, verb):
        return [RUN, verb, *(f"{os.path.basename(path).replace('guestbookd', 'guestbook')}={path}" for path in servers() if verb == "up")]

    def run(self, verb, **environment):
        try:
            done = subprocess.run(self.command(verb), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT,
                                  env={**self.environment, **environment})
        except subprocess.TimeoutExpired as hung:
            raise AssertionError(f"`{verb}` hangs\n{hung.stdout}\n{hung.stderr}\n{self.left()}") from None
        return Result(done.returncode, done.stdout, done.stderr)

    def both(self, verb):
        """Twice at the same time; the result of the one that goes first, and of the one that waits for it, which says less. What
        a killed one has started may hold the lock for a moment, so that both wait."""
        processes = [subprocess.Popen(self.command(verb), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True, env=self.environment) for _ in range(2)]
        results = [Result(process.returncode, *output) for process, output in
                   ((process, process.communicate(timeout=LIMIT)) for process in processes)]
        return sorted(results, key=lambda result: len(result.out), reverse=True)

    def killed_after(self, verb, progress):
        """The script is killed, with nobody asked, once it has said this."""
        process = subprocess.Popen(self.command(verb), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=self.environment,
                                   start_new_session=True)
        for line in process.stdout:
            if re.search(progress, line):
                break
        else:
            raise AssertionError(f"`{verb}` never said {progress!r}")
        os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()

    def process(self, part):
        with open(os.path.join(self.folder, "processes", part), encoding="ascii") as record:
            return int(record.read().split()[0])

    def left(self):
        """Processes, mounts and control groups."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as words:
                    command = words.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if self.folder in command and str(os.getpid()) not in path:
                found.append(command)
        with open("/proc/mounts", encoding="utf-8") as mounts:
            found += [line for line in mounts if self.folder in line]
        return found + glob.glob(f"/sys/fs/cgroup/**/harmony-cluster-{PORT}", recursive=True)

    def close(self):
        self.run("down")
        left = self.left()
        shutil.rmtree(self.base, ignore_errors=True)
        return left


def servers():
    return [os.path.abspath(word) for word in sys.argv[1:3]]


def test_a_killed_start_is_made_good(place):
    place.run("status").expect(1, "No cluster runs")
    place.run("down").expect(0, "No cluster runs")
    place.killed_after("up", "containerd: ready")
    first, second = place.both("up")
    first.expect(0, "Cleaning up what an earlier cluster left", "node node1 is Ready", "The cluster runs")
    second.expect(0, "Waiting for another `./dev cluster`", "^The cluster runs")
    place.run("status").expect(0, "kubelet +running", "node node1 +Ready")
    place.run("up").expect(0, r"\AThe cluster runs")

    os.kill(place.process("kube-scheduler"), signal.SIGKILL)
    wait_for("the part to be dead", lambda: place.run("status").code == 1)
    place.run("status").expect(1, "kube-scheduler +dead", "kubelet +running")
    place.run("down").expect(0, "The cluster is gone")
    assert not place.left(), place.left()
    place.run("down").expect(0, "No cluster runs")


def test_with_its_first_process_all_is_over(place):
    place.run("up").expect(0)
    os.kill(place.process("cluster"), signal.SIGKILL)
    wait_for("every process to end", lambda: not any("cgroup" not in left for left in place.left()))
    place.run("status").expect(1, "No cluster runs")
    place.run("down").expect(0, "The cluster is gone")
    assert not place.left(), place.left()


def test_a_part_that_does_not_start_is_named(place):
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "harmony-dev/cluster")
    ours = os.path.join(place.base, "harmony-dev/cluster")
    for path in glob.glob(f"{cache}/programs-*/*"):
        copy = path.replace(cache, ours)
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        os.symlink(path, copy)
        if os.path.basename(path) == "kube-scheduler":
            os.remove(copy)
            with open(copy, "w", encoding="ascii") as program:
                program.write("#!/bin/sh\necho no memory for plans\nexit 3\n")
            os.chmod(copy, 0o755)
    os.symlink(f"{cache}/images", f"{ours}/images")
    place.run("up", XDG_CACHE_HOME=place.base).expect(1, "no memory for plans", "error: kube-scheduler has ended", "the cluster did not start")
    assert not place.left(), place.left()


if __name__ == "__main__":
    if not cluster.IS_OURS:
        cluster.skip("the tests run with a cluster that somebody already has")
    cluster.need_root()
    if not shutil.which("containerd"):
        cluster.skip("what a cluster consists of is not installed: ./dev cluster up")
    harness.run(globals(), Place, sys.argv[3:])
