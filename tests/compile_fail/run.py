#!/usr/bin/env python3
"""Mistakes that the compiler must catch in our own words.

Every source here is compiled twice: as it stands it must compile, so that it cannot rot; with -DWRONG it must fail,
with the sentence of its `// expect:` line in the first error, every `// names:` anywhere, and few lines in all.

Usage: run.py COMPILER [--include DIR]... [--only SOURCE]...
Exit: 0 all passed, 1 some failed, 77 there is no such compiler (under CI=true that is a failure).
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

MOST_LINES = 12
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wshadow", "-Wno-missing-field-initializers",
         "-fdiagnostics-color=never", "-fsyntax-only"]


def compile_once(compiler, includes, source, *more):
    command = [compiler, *FLAGS, *[f"-I{folder}" for folder in includes], *more, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
    return done.returncode == 0, done.stderr


def expectations(source):
    text = source.read_text()
    wanted = re.findall(r"^// expect: (.*)$", text, re.M)
    if len(wanted) != 1:
        raise SystemExit(f"{source}: has {len(wanted)} lines `// expect:`, must have one")
    allowed = re.search(r"^// lines: (\d+), ", text, re.M)  # a reason must follow
    return wanted[0], re.findall(r"^// names: (.*)$", text, re.M), int(allowed[1]) if allowed else MOST_LINES


def plain(text):
    """Compilers quote in different ways."""
    return re.sub("[‘’`']", "'", text)


def problems_of(compiler, includes, source):
    sentence, names, most = expectations(source)
    good, said = compile_once(compiler, includes, source)
    if not good or said:
        return [f"the good twin does not compile cleanly:\n{said}"]
    good, said = compile_once(compiler, includes, source, "-DWRONG")
    if good:
        return ["the wrong one compiles"]
    problems = []
    errors = [line for line in said.splitlines() if re.search(r"\berror: ", line)]
    if not errors or plain(sentence) not in plain(errors[0]):
        problems.append("our sentence is not in the first error")
    problems += [f"`{name}` is not named" for name in names if name not in said]
    lines = len(said.splitlines())
    if lines > most:
        problems.append(f"{lines} lines, more than {most}")
    return [*problems, f"it said:\n{said}"] if problems else []


def main():
    here = pathlib.Path(__file__).parent
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("compiler")
    arguments.add_argument("--include", action="append", default=[])
    arguments.add_argument("--only", action="append", type=pathlib.Path, help="a source; may be repeated")
    asked = arguments.parse_args()
    if not shutil.which(asked.compiler):
        print(f"{asked.compiler} is not installed")
        return 1 if os.environ.get("CI") == "true" else 77
    sources = sorted(asked.only or here.glob("*.cpp"))
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda source: problems_of(asked.compiler, asked.include, source), sources)
    failed = 0
    for source, problems in zip(sources, results):
        failed += bool(problems)
        print(f"{'FAIL' if problems else 'ok  '} {source.stem}", *problems, sep="\n     " if problems else "")
    print(f"{len(sources) - failed} passed, {failed} failed")
    return 1 if failed or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
