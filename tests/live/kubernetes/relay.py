"""A port that leads to a server, until it is cut; and one that knows what is written through it."""
import contextlib
import re
import select
import socket
import ssl
import threading


class Relay:
    def __init__(self, target, junk=None):
        """junk: what every request is answered, instead of by the server; it may be set meanwhile."""
        self.target, self.junk = target, junk
        self.lock = threading.Lock()
        self.open = set()
        self.server = None
        self.port = 0

    def __enter__(self):
        self.mend()
        return self

    def __exit__(self, *_):
        self.cut()

    def mend(self):
        self.server = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.server,), daemon=True).start()

    def cut(self):
        """Nobody listens any more, and what was open is reset."""
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.drop()

    def drop(self):
        """What was open is reset."""
        with self.lock:
            for connection in self.open:
                with contextlib.suppress(OSError):  # a TLS socket's own shutdown() would let its thread pass on ciphertext
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
            self.open.clear()

    def _accept(self, server):
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), client:
            if not self.junk:
                self._lead_on(client)
                return
            client.recv(65536)
            client.sendall(self.junk)

    def _lead_on(self, client):
        with socket.create_connection(self.target) as there:
            with self.lock:
                self.open.update((client, there))
            back = threading.Thread(target=self._copy, args=(there, client), daemon=True)
            back.start()
            self._copy(client, there)
            back.join()
            with self.lock:
                self.open -= {client, there}

    @staticmethod
    def _copy(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


class HttpRelay(Relay):
    """Plain HTTP before an API server: it knows what is a write."""

    WRITE = re.compile(rb"(POST|PUT|PATCH|DELETE) ([^ ]+) HTTP/1.1\r\n")

    def __init__(self, target, context, written=lambda name: True):
        """context: an ssl.SSLContext that knows the server and the client's certificate. written(name) is asked before the
        server has a write, "PATCH /api/…"; where it says False, its answer is lost, and with it the connection."""
        super().__init__(target)
        self.context = context
        self.written = written

    def _lead_on(self, client):
        with socket.create_connection(self.target) as plain:
            with self.context.wrap_socket(plain, server_hostname=self.target[0]) as there:
                with self.lock:
                    self.open.update((client, there))
                # Either may have come while we shook hands, and this has missed the drop.
                if not self.junk and self.server.fileno() >= 0:
                    self._pass_on(client, there)
                with self.lock:
                    self.open -= {client, there}

    def _pass_on(self, client, there):
        """In one thread: a TLS connection is not to be read and written at once."""
        answered = True
        while True:
            ready = [there] if there.pending() else select.select([client, there], [], [])[0]
            if there in ready:
                there.setblocking(False)
                try:
                    answer = there.recv(65536)
                except ssl.SSLWantReadError:  # what came was TLS's own
                    answer = None
                there.setblocking(True)
                if answer == b"" or (answer and not answered):
                    return
                client.sendall(answer or b"")
            if client in ready:
                request = client.recv(65536)
                if not request:
                    return
                name = self._write(request)
                answered = answered and (not name or self.written(name))
                there.sendall(request)

    def _write(self, request):
        # Requests are not pipelined: each begins what the client sends next.
        found = self.WRITE.match(request)
        if not found or b"dryRun=All" in found.group(2) or b"authorization.k8s.io" in found.group(2):
            return None
        return b" ".join(found.groups()).decode().split("?")[0]


class LosingRelay(HttpRelay):
    """The server gets every request; of each write the first answer is lost."""

    def __init__(self, target, context):
        super().__init__(target, context, self._once)
        self.lost = []

    def _once(self, name):
        with self.lock:
            if name in self.lost:
                return True
            self.lost.append(name)
            return False
