"""What docs/writing-a-score.md shows, put into a repository of its own with Harmony below it, builds and deploys.
argv: Harmony's sources, a folder for the repository (kept: the next build in it is a short one).
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import App, http_get, main  # noqa: E402

SOURCES, REPOSITORY = sys.argv[1:3]
PAGE = open(SOURCES + "/docs/writing-a-score.md").read()


def block(language, first_words):
    found = [code for code in re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S) if first_words in code]
    assert len(found) == 1, f"{len(found)} blocks of {language} with {first_words!r}"
    return found[0]


def write_if_other(path, text):
    if not os.path.exists(path) or open(path).read() != text:
        open(path, "w").write(text)


def run(*command):
    done = subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


def build():
    os.makedirs(REPOSITORY + "/subprojects", exist_ok=True)
    below = REPOSITORY + "/subprojects/harmony"
    if not os.path.islink(below):
        os.symlink(SOURCES, below)
    write_if_other(REPOSITORY + "/main.cpp", block("cpp", "struct HelloScore") + block("cpp", "struct HelloAnswers") + block("cpp", "cli::run("))
    write_if_other(REPOSITORY + "/hello.hpp", "#pragma once\n" + block("cpp", "struct HelloScore"))
    write_if_other(REPOSITORY + "/hello_test.cpp", block("cpp", "testing::plan_of"))
    write_if_other(REPOSITORY + "/meson.build", block("meson", "project('hello'") + block("meson", "test('hello'"))
    shutil.copy(SOURCES + "/apps/minimal/hellod.cpp", REPOSITORY)
    if not os.path.exists(REPOSITORY + "/build/build.ninja"):
        # Without optimisation, which is all that differs from the page: two minutes less.
        run("meson", "setup", "build", "-Doptimization=0")
    run("ninja", "-C", "build")


def test_the_page_builds_and_deploys(app):
    url = "http://127.0.0.1:" + re.search(r"127\.0\.0\.1:(\d+)", app.deploy().expect(0, "Smoke test: 1 check passed").text).group(1)
    assert http_get(url) == (200, "hello\n")
    app.plan_is_empty()


def test_the_page_tests_its_score(app):
    run("meson", "test", "-C", "build", "--no-rebuild", "hello")


def test_only_what_a_deploy_needs_is_built(app):
    built = run("ninja", "-C", "build", "-t", "targets", "all")
    assert "guestbook" not in built and "harmony/tests/" not in built, built


if __name__ == "__main__":
    build()
    binary = os.path.join(REPOSITORY, "build/hello-app")
    sys.argv[2:] = []
    main(globals(), binary, "hello")
