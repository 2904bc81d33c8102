#!/usr/bin/env python3
"""Every header compiles alone: whoever includes it needs to know of no other. Usage: headers.py ROOT COMPILER FOLDER

FOLDER takes a source per header, so that ccache knows it again."""
import pathlib
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

PACKAGES = ["fmt", "spdlog", "libpq", "libnats", "libcurl", "prometheus-cpp-core", "openssl", "yaml-cpp"]
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-Wno-missing-field-initializers",
         "-DBOOST_ASIO_SEPARATE_COMPILATION", "-DBOOST_BEAST_SEPARATE_COMPILATION"]


def package_flags():
    done = subprocess.run(["pkg-config", "--cflags", *PACKAGES], capture_output=True, text=True, check=True)
    return done.stdout.split()


def problem_of(command, header, source):
    """@returns what the compiler says, empty where it is content."""
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(f'#include "{header}"\n')
    done = subprocess.run([*command, "-c", str(source), "-o", str(source) + ".o"], capture_output=True, text=True, check=False)
    return done.stderr if done.returncode or done.stderr else ""


def main():
    root, compiler, folder = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], pathlib.Path(sys.argv[3])
    roots = ["harmony/include", "harmony/src", "companions/include", "providers", "apps", "tests"]
    headers = sorted(header for zone in ["harmony", "companions", "providers", "apps", "tests"]
                     for header in (root / zone).rglob("*.hpp"))
    command = [compiler, *FLAGS, *(f"-I{root / place}" for place in roots), *package_flags()]
    if shutil.which("ccache"):
        command.insert(0, "ccache")
    with ThreadPoolExecutor(2) as pool:
        problems = list(pool.map(lambda header: problem_of(command, header, folder / header.relative_to(root).with_suffix(".cpp")), headers))
    failed = 0
    for header, problem in zip(headers, problems):
        if problem:
            failed += 1
            print(f"FAIL {header.relative_to(root)}\n{problem}")
    print(f"{len(headers) - failed} passed, {failed} failed")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
