#!/usr/bin/env python3
"""The arrows of the house, and what only holds if everybody keeps to it.

    apps -> companions -> harmony          apps -> topologies -> capabilities -> primitives -> harmony

Each check below is one rule; what breaks it is listed with file and line. Usage: layering.py ROOT
"""
import pathlib
import re
import sys
from dataclasses import dataclass

ZONES = ["harmony", "companions", "providers", "apps"]
PRIMITIVES = ["host", "sql", "http", "k8s"]    # folders that touch the world
RUNTIMES = ["apps/harmony-app/runtime/", "apps/minimal/hellod.cpp"]
ROOTS = ["harmony/include", "companions/include", "providers", "apps"]


def without_comments(text, strings_too):
    """Blanks comments (and texts), keeping every line where it is."""
    def blank(match):
        kept = "\n" * match.group().count("\n")
        if match.group().startswith("/"):
            return kept
        return '""' + kept if strings_too else match.group()
    pattern = r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, blank, text, flags=re.S)


@dataclass
class Include:
    line: int
    name: str
    quoted: bool
    target: str  # path from the root where it is a file of ours, else ""


class Source:
    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.text = path.read_text()
        self.code = without_comments(self.text, strings_too=True)
        self.includes = []
        for number, line in enumerate(without_comments(self.text, strings_too=False).splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
            if not found:
                continue
            places = [path.parent, *(root / folder for folder in ROOTS)]
            made = [place / (found[2] + end) for place in places for end in ("", ".in")]  # .in: the build makes it
            target = next((file for file in made if file.is_file()), None)
            self.includes.append(Include(number, found[2], found[1] == '"',
                                         target.resolve().relative_to(root).as_posix() if target else ""))

    @property
    def role(self):
        """What the file is, and so what it may see."""
        folders = self.path.split("/")
        if any(self.path.startswith(runtime) for runtime in RUNTIMES):
            return "runtime"
        if folders[0] == "apps":
            return "cli" if folders[1] == "cli" else "deploy"
        return role_in_providers(folders[1], folders[-1]) if folders[0] == "providers" else folders[0]


def role_in_providers(folder, file):
    if folder == "topologies":
        return "topology"
    if folder in PRIMITIVES:
        return "primitive"
    if re.match(r"score\.", file):
        return "score"
    # A folder that is both: what stands on another primitive says so in its name.
    if folder == "nats" and not re.search(r"on_(host|kubernetes)", file):
        return "primitive"
    return "capability"


# Who may include whom. A runtime sees nothing but itself; a Score sees capabilities, never what provides them.
MAY_SEE = {
    "harmony": {"harmony"},
    "companions": {"harmony", "companions"},
    "primitive": {"harmony", "primitive"},
    "capability": {"harmony", "primitive", "capability"},
    "score": {"harmony", "score"},
    "topology": {"harmony", "primitive", "capability", "topology"},
    "cli": {"harmony", "companions", "cli"},
    "deploy": {"harmony", "companions", "cli", "score", "topology", "deploy"},
    "runtime": {"runtime"},
}
# Libraries of the system, where fewer are allowed than Meson would give.
LIBRARIES = {
    "harmony": r"fmt/",
    "companions": r"fmt/|spdlog/|prometheus/",
    "score": r"fmt/",
}


def arrows(root, sources):
    """includes follow the arrows"""
    for source in sources:
        for include in source.includes:
            if not include.target:
                continue
            if not include.target.startswith(tuple(zone + "/" for zone in ZONES)):
                yield source.path, include.line, f"includes {include.target}, which is no part of the house"
                continue
            other = Source(root, root / include.target).role
            if other not in MAY_SEE[source.role]:
                yield source.path, include.line, f"a {source.role} must not see a {other}: {include.name}"


def private_headers(root, sources):
    """what lies in src/ is seen by its own library only"""
    for source in sources:
        for include in source.includes:
            if "/src/" in include.target and source.path.split("/")[:2] != include.target.split("/")[:2]:
                yield source.path, include.line, f"{include.target} is private"


def few_libraries(root, sources):
    """harmony uses std and fmt only, companions spdlog and prometheus on top"""
    for source in sources:
        allowed = LIBRARIES.get(source.role)
        for include in source.includes if allowed else []:
            standard = not include.quoted and re.fullmatch(r"[a-z_]+", include.name)
            if not include.target and not standard and not re.match(allowed, include.name):
                yield source.path, include.line, f"{include.name} is not for {source.role}"


def quotes(root, sources):
    """ours are included with quotes, the system's with angle brackets"""
    for source in sources:
        for include in source.includes:
            if include.quoted != bool(include.target):
                yield source.path, include.line, f"{include.name}: " + ("no such file" if include.quoted else "is ours, use quotes")


def own_header_first(root, sources):
    """a source includes its own header first, so that it is known to stand alone"""
    for source in sources:
        if not source.path.endswith(".cpp") or not source.includes:
            continue
        stem = pathlib.PurePath(source.path).stem
        own = [include.target for include in source.includes
               if pathlib.PurePath(include.target).name == stem + ".hpp"
               and include.target.split("/")[0] == source.path.split("/")[0]]
        if own and source.includes[0].target != own[0]:
            yield source.path, source.includes[0].line, f"{own[0]} comes first"


def matching(sources, pattern, told):
    for source in sources:
        for number, line in enumerate(source.code.splitlines(), 1):
            if re.search(pattern, line):
                yield source.path, number, f"{told}: {line.strip()}"


def no_dry_run_flag(root, sources):
    """nobody but twins, the engine and the command line knows of dry runs (decision 4)"""
    providers = [source for source in sources if source.path.startswith("providers/")
                 and not pathlib.PurePath(source.path).stem.startswith("rehearsed")]
    for source in providers:
        # Naming the twin and making the rehearsed topology is all that is left to them.
        code = re.sub(r"\bRehears(al|ed[A-Z]\w*)\b", "", source.code)
        if source.role == "topology":
            code = re.sub(r"\brehearsed\(\s*&", "", code)
            code = re.sub(r"\brehearsal\b", "", code)
        for number, line in enumerate(code.splitlines(), 1):
            if re.search(r"rehears|dry_?run", line, re.I):
                yield source.path, number, "branches on being rehearsed: " + line.strip()
    others = [source for source in sources if source.role in ("companions", "deploy")]
    yield from matching(others, r"\b(if|while|switch)\b.*dry_?run|dry_?run\w*\s*\?", "branches on a dry run")
    core = [source for source in sources if source.role == "harmony" and "/src/" not in source.path]
    yield from matching(core, r"\b(if|while|switch)\b.*(rehearsed|dry_?run)|\bdry_?run\b", "branches on being rehearsed")


def no_printing(root, sources):
    """only the command line and runtimes print"""
    libraries = [source for source in sources if source.role not in ("cli", "runtime")]
    yield from matching(libraries, r"std::(cout|cerr|clog|print)\b|\b(f|v|vf)?printf\s*\(|\bf?puts\s*\(|fmt::print|spdlog::(info|warn|error)\b",
                        "prints")
    for source in libraries:
        for include in source.includes:
            if include.name in ("iostream", "cstdio", "stdio.h") and not uses_cstdio(source):
                yield source.path, include.line, f"includes {include.name}"


def uses_cstdio(source):
    return re.search(r"\b(std::rename|::rename|rename|std::remove|snprintf|FILE|fopen|fdopen|fgets|fread)\b", source.code)


def no_macros(root, sources):
    """no macros"""
    yield from matching(sources, r"^\s*#\s*define\b", "defines a macro")


def no_namespace_in_headers(root, sources):
    """a header opens no namespace for those who include it"""
    headers = [source for source in sources if source.path.endswith(".hpp")]
    yield from matching(headers, r"^using namespace\b", "opens a namespace")


def codes_have_pages(root, sources):
    """every error code has a page in docs/errors, and every page a code"""
    thrown = {}
    for source in sources:
        if source.role == "runtime":
            continue
        for number, line in enumerate(without_comments(source.text, strings_too=False).splitlines(), 1):
            for code in re.findall(r'"(H\d{4})"', line):
                thrown.setdefault(code, (source.path, number))
    pages = {page.stem: page for page in (root / "docs/errors").glob("H*.md")}
    for code, (path, number) in sorted(thrown.items()):
        if code not in pages:
            yield path, number, f"{code} has no page docs/errors/{code}.md"
    for code, page in sorted(pages.items()):
        where = page.relative_to(root).as_posix()
        if code not in thrown:
            yield where, 1, f"{code} is thrown nowhere"
        if not page.read_text().startswith(f"# {code}: "):
            yield where, 1, f"does not begin with `# {code}: …`"


def anchors_of(page):
    """As GitHub makes them of headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
            for heading in re.findall(r"^#+ +(.*)$", text, re.M)}


def links_resolve(root, sources):
    """links between documents lead somewhere"""
    pages = [page for page in root.rglob("*.md") if not any(part.startswith(".") for part in page.relative_to(root).parts)]
    for page in pages:
        text = re.sub(r"^```.*?^```", lambda block: "\n" * block.group().count("\n"), page.read_text(), flags=re.S | re.M)
        for number, line in enumerate(text.splitlines(), 1):
            for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
                if re.match(r"[a-z]+:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = (page.parent / path) if path else page
                where = page.relative_to(root).as_posix()
                if not target.exists():
                    yield where, number, f"{link} leads nowhere"
                elif anchor and target.suffix == ".md" and anchor not in anchors_of(target):
                    yield where, number, f"{link}: no such heading"


CHECKS = [arrows, private_headers, few_libraries, quotes, own_header_first, no_dry_run_flag, no_printing, no_macros,
          no_namespace_in_headers, codes_have_pages, links_resolve]


def sources_of(root):
    for zone in ZONES:
        for path in sorted((root / zone).rglob("*.[ch]pp")):
            yield Source(root, path)


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    sources = list(sources_of(root))
    if not sources:
        raise SystemExit(f"{root}: no sources here")
    failed = 0
    for check in CHECKS:
        broken = list(check(root, sources))
        failed += bool(broken)
        print(("FAIL " if broken else "ok   ") + check.__doc__)
        for path, number, told in broken:
            print(f"     {path}:{number}: {told}")
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
