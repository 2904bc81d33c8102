"""The report of --report, opened in a real browser: it shows what it should, and asks nobody for anything. argv[1]: pantry."""
import http.server
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import zlib

PANTRY = os.path.abspath(sys.argv[1])
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def browse(folder, page, *options):
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,1400", f"--user-data-dir={folder}/profile", *options, page]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": folder}).stdout


def pixels(path):
    """(width, height, how many different colours) of a PNG."""
    data = open(path, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, width, height, channels = 8, b"", 0, 0, 3
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, _, color = struct.unpack(">IIBB", body[:10])
            channels = {2: 3, 6: 4}[color]
        elif kind == b"IDAT":
            packed += body
        at += size + 12
    raw, stride, colors = zlib.decompress(packed), width * channels + 1, set()
    before = bytearray(stride - 1)
    for row in range(height):
        kind, line = raw[row * stride], bytearray(raw[row * stride + 1:(row + 1) * stride])
        for i in range(len(line)):
            left = line[i - channels] if i >= channels else 0
            up, corner = before[i], before[i - channels] if i >= channels else 0
            if kind == 1:
                line[i] = (line[i] + left) & 255
            elif kind == 2:
                line[i] = (line[i] + up) & 255
            elif kind == 3:
                line[i] = (line[i] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                nearest = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
                line[i] = (line[i] + nearest) & 255
        colors.update(bytes(line[i:i + 3]) for i in range(0, len(line), channels * 7))
        before = line
    return width, height, colors


def test_a_failed_deploy_in_light_and_dark(folder):
    page = folder + "/failed.html"
    done = subprocess.run([PANTRY, "deploy", "--yes", "--report", page, "--set", "fails=<img src=x onerror=alert(1)>", "--set", "note=a & b"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    assert os.stat(page).st_mode & 0o777 == 0o600
    dom = browse(folder, "file://" + page, "--dump-dom")
    for wanted in ("pantry 1.4.0 on box", "error[H0207]", "exit code 1", "item cheddar", "Timeline", "3 to create", "&lt;img src=x"):
        assert wanted in dom, wanted
    assert "<img" not in dom and "<script" not in dom
    for scheme, light in (("light", True), ("dark", False)):
        picture = f"{folder}/{scheme}.png"
        browse(folder, "file://" + page, f"--screenshot={picture}", f"--blink-settings=preferredColorScheme={int(light)}")
        width, height, colors = pixels(picture)
        assert (width, height) == (1200, 1400) and len(colors) > 12, (width, height, len(colors))
        background = (255, 255, 255) if light else (13, 17, 23)
        assert bytes(background) in colors, (scheme, sorted(colors)[:5])


MEASURE = """<!doctype html><body><script>
    const found = [], widths = [%s];
    for (const width of widths) {
      const frame = document.createElement("iframe");
      frame.width = width, frame.height = 900, frame.src = "report.html";
      frame.onload = () => {
        const page = frame.contentDocument;
        const labels = [...page.querySelectorAll(".scale .track span")].map(label => label.getBoundingClientRect()).filter(box => box.width > 0);
        found.push({width, labels: labels.map(box => [box.left, box.right]), track: page.querySelector(".scale .track").getBoundingClientRect().width,
                    wide: page.documentElement.scrollWidth});
        if (found.length === widths.length) { document.body.textContent = "measured " + JSON.stringify(found) + " end"; }
      };
      document.body.append(frame);
    }
</script></body>"""


def test_the_labels_of_the_axis_stand_apart_at_any_width(folder):
    done = subprocess.run([PANTRY, "deploy", "--yes", "-q", "--report", folder + "/report.html"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    os.chmod(folder + "/report.html", 0o644)
    page = open(folder + "/report.html").read()  # the longest labels that can be
    page = re.sub(r"(<span style=\"left:\d+%\">)[^<]*", r"\g<1>59 min 59 s", page)
    open(folder + "/report.html", "w").write(page)
    widths = (320, 400, 500, 600, 610, 700, 800, 870, 1000, 1200)
    open(folder + "/measure.html", "w").write(MEASURE % ", ".join(map(str, widths)))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Quiet(*a, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        dom = browse(folder, f"http://127.0.0.1:{server.server_port}/measure.html", "--dump-dom", "--virtual-time-budget=10000")
    finally:
        server.shutdown()
        thread.join()
    found = json.loads(re.search(r"measured (\[.*\]) end", dom)[1])
    assert sorted(each["width"] for each in found) == sorted(widths), found
    for each in found:
        assert len(each["labels"]) >= 2, each
        assert all(left[1] <= right[0] for left, right in zip(each["labels"], each["labels"][1:])), each
        assert each["wide"] <= each["width"], each


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_it_loads_nothing(folder):
    asked = []

    class Server(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    page = folder + "/report.html"
    done = subprocess.run([PANTRY, "deploy", "--yes", "-q", "--report", page], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    os.chmod(page, 0o644)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Server(*a, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        dom = browse(folder, f"http://127.0.0.1:{server.server_port}/report.html", "--dump-dom")
    finally:
        server.shutdown()
        thread.join()
    assert "TastesGood" in dom and re.search(r"class=\"badge ok\">passed", dom), dom[-500:]
    assert set(asked) <= {"/report.html", "/favicon.ico"}, asked


def main():
    if not BROWSER:
        print("skipped: chromium is not installed")
        sys.exit(77)
    passed, failed = 0, 0
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder)
                passed += 1
                print(f"ok     {name}", flush=True)
            except Exception as error:  # noqa: BLE001
                failed += 1
                print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
