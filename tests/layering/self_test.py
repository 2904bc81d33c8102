#!/usr/bin/env python3
"""Each rule of layering.py finds what breaks it: a small house is built, and broken once per rule."""
import pathlib
import sys
import tempfile

import layering

HOUSE = {
    "harmony/include/harmony/scope.hpp": "#include <string>\n\n#include <fmt/format.h>\n",
    "harmony/src/run.hpp": '#include "harmony/scope.hpp"\n',
    "harmony/src/scope.cpp": '#include "harmony/scope.hpp"\n\n#include "run.hpp"\nconst char* code = "H0001";\n',
    "companions/include/companions/metered.hpp": '#include "harmony/scope.hpp"\n',
    "providers/host/host.hpp": '#include "harmony/scope.hpp"\nclass RehearsedHost;\n',
    "providers/host/rehearsed.cpp": '#include "host/host.hpp"\nbool rehearsed = true;\n',
    "providers/nats/client.hpp": '#include "host/host.hpp"\n',
    "providers/nats/on_host.hpp": '#include "nats/client.hpp"\n',
    "providers/nats/score.hpp": '#include "harmony/scope.hpp"\n',
    "providers/topologies/local.hpp": '#include "nats/on_host.hpp"\nint rehearsed(Rehearsal& rehearsal);\n',
    "apps/cli/cli.hpp": '#include "harmony/scope.hpp"\n',
    "apps/demo/main.cpp": '#include "cli/cli.hpp"\n#include "nats/score.hpp"\n#include "topologies/local.hpp"\n',
    "apps/harmony-app/runtime/main.cpp": "#include <cstdio>\nvoid f() { std::puts(\"served\"); }\n",
    "docs/errors/H0001.md": "# H0001: a bug\n",
    "README.md": "[the bug](docs/errors/H0001.md#h0001-a-bug), `[no](link)`\n",
}

# rule, file, what is appended to it
BREAKS = [
    (layering.arrows, "harmony/src/scope.cpp", '#include "companions/metered.hpp"'),
    (layering.arrows, "companions/include/companions/metered.hpp", '#include "host/host.hpp"'),
    (layering.arrows, "providers/host/host.hpp", '#include "nats/on_host.hpp"'),
    (layering.arrows, "providers/nats/on_host.hpp", '#include "topologies/local.hpp"'),
    (layering.arrows, "providers/nats/score.hpp", '#include "nats/client.hpp"'),
    (layering.arrows, "providers/host/host.hpp", '#include "cli/cli.hpp"'),
    (layering.arrows, "apps/cli/cli.hpp", '#include "topologies/local.hpp"'),
    (layering.arrows, "apps/demo/main.cpp", '#include "host/host.hpp"'),
    (layering.arrows, "apps/harmony-app/runtime/main.cpp", '#include "harmony/scope.hpp"'),
    (layering.private_headers, "companions/include/companions/metered.hpp", '#include "../../../harmony/src/run.hpp"'),
    (layering.few_libraries, "harmony/src/scope.cpp", "#include <boost/json.hpp>"),
    (layering.few_libraries, "harmony/src/scope.cpp", "#include <sys/stat.h>"),
    (layering.few_libraries, "companions/include/companions/metered.hpp", "#include <curl/curl.h>"),
    (layering.quotes, "harmony/src/scope.cpp", "#include <harmony/scope.hpp>"),
    (layering.quotes, "harmony/src/scope.cpp", '#include "nowhere.hpp"'),
    (layering.no_dry_run_flag, "providers/host/host.hpp", "void f() { if (scope.rehearsed()) return; }"),
    (layering.no_dry_run_flag, "providers/nats/on_host.hpp", "bool dry_run = false;"),
    (layering.no_dry_run_flag, "apps/demo/main.cpp", "int x = dry_run ? 1 : 2;"),
    (layering.no_dry_run_flag, "harmony/include/harmony/scope.hpp", "void f() { if (rehearsed()) return; }"),
    (layering.no_printing, "providers/host/host.hpp", 'void f() { fmt::print("x"); }'),
    (layering.no_printing, "harmony/src/scope.cpp", "void f() { std::cerr << 1; }"),
    (layering.no_printing, "harmony/src/scope.cpp", "#include <iostream>"),
    (layering.no_macros, "providers/host/host.hpp", "#define HOST 1"),
    (layering.no_namespace_in_headers, "providers/host/host.hpp", "using namespace harmony;"),
    (layering.codes_have_pages, "providers/host/host.hpp", 'const char* code = "H0101";'),
    (layering.codes_have_pages, "docs/errors/H0002.md", "# H0002: thrown by nobody"),
    (layering.links_resolve, "README.md", "[gone](docs/gone.md)"),
    (layering.links_resolve, "README.md", "[gone](docs/errors/H0001.md#elsewhere)"),
]


def build(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found(files):
    """@returns the rules that are broken there."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve()
        build(root, files)
        sources = list(layering.sources_of(root))
        return {check for check in layering.CHECKS if list(check(root, sources))}


def main():
    failures = [f"{check.__doc__}: broken in a house that keeps it" for check in found(HOUSE)]
    for check, file, text in BREAKS:
        if check not in found({**HOUSE, file: HOUSE.get(file, "") + text + "\n"}):
            failures.append(f"{check.__doc__}: not found: {text} in {file}")
    shuffled = HOUSE["harmony/src/scope.cpp"].replace('#include "harmony/scope.hpp"\n\n#include "run.hpp"',
                                                     '#include "run.hpp"\n#include "harmony/scope.hpp"')
    if layering.own_header_first not in found({**HOUSE, "harmony/src/scope.cpp": shuffled}):
        failures.append("own header first: not found")
    print(*failures, sep="\n", end="\n" if failures else "")
    print(f"{len(BREAKS) + 2 - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
