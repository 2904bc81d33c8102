"""A runtime binary knows nothing of the framework: no library and no symbol of it. argv: guestbookd, harmony-app."""
import subprocess
import sys


def symbols(binary):
    dynamic = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    own = subprocess.run(["nm", "--demangle", binary], capture_output=True, text=True, check=True).stdout
    return [line for line in (dynamic + own).splitlines() if "harmony::" in line or "libharmony" in line]


runtime, deploy = sys.argv[1:3]
assert symbols(deploy), "the deploy binary shows no symbol of harmony: this test would find nothing"
found = symbols(runtime)
assert not found, found[:5]
print("1 passed, 0 failed")
