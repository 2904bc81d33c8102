"""An HTTP/1.1 server that tells what it was asked: on a free port of 127.0.0.1, which it prints."""
import http.server
import json
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        told = {"method": self.command, "path": self.path, "body": self.rfile.read(length).decode(),
                "headers": {name.lower(): value for name, value in self.headers.items()}, "length": self.headers.get("Content-Length")}
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            body = b""
        elif self.path.startswith("/status/"):
            self.send_response(int(self.path.rsplit("/", 1)[1]))
            body = b"so be it"
        elif self.path.startswith("/bytes/"):
            self.send_response(200)
            body = b"x" * int(self.path.rsplit("/", 1)[1])
        else:
            self.send_response(200)
            self.send_header("X-Mixed-Case", " Kept As It Is ")
            body = json.dumps(told, sort_keys=True).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client has had enough

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
