#!/usr/bin/env python3
"""Turns page.html into C++: its text, and a Content-Security-Policy that names its style and script by hash."""

import base64
import hashlib
import re
import sys


def hashes(html: str, tag: str) -> str:
    blocks = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    return " ".join(
        "'sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode() + "'" for block in blocks
    )


def literal(text: str) -> str:
    """A C++ string literal, a line of source for each line of text."""
    lines = []
    for line in text.splitlines(keepends=True):
        escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        lines.append(f'    "{escaped}"')
    return "\n".join(lines)


def main() -> None:
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        html = file.read()
    policy = "; ".join([
        "default-src 'none'",
        f"style-src {hashes(html, 'style')}",
        f"script-src {hashes(html, 'script')}",
        "img-src data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ])
    with open(target, "w", encoding="utf-8") as file:
        file.write('#include "page.hpp"\n\nnamespace guestbook {\n\n')
        file.write(f"const std::string_view page =\n{literal(html)};\n\n")
        file.write(f"const std::string_view page_policy =\n{literal(policy)};\n\n")
        file.write("}  // namespace guestbook\n")


if __name__ == "__main__":
    main()
