"""A port that leads to a server, until it is cut; and one that loses answers."""
import contextlib
import re
import select
import socket
import ssl
import threading


class Relay:
    def __init__(self, target, junk=None, seen=None):
        """seen(number): is called with every piece that a client sends, before the server has it. Pieces are requests,
        and what TLS says between them."""
        self.target, self.junk, self.seen = target, junk, seen
        self.pieces = 0
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
        with self.lock:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self.open.clear()

    def _accept(self, server):
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), client:
            if self.junk:
                client.recv(65536)
                client.sendall(self.junk)
                return
            with socket.create_connection(self.target) as there:
                with self.lock:
                    self.open.update((client, there))
                back = threading.Thread(target=self._copy, args=(there, client), daemon=True)
                back.start()
                self._copy(client, there, self._count)
                back.join()
                with self.lock:
                    self.open -= {client, there}

    def _count(self):
        with self.lock:
            self.pieces += 1
            number = self.pieces
        if self.seen:
            self.seen(number)

    @staticmethod
    def _copy(source, sink, counted=lambda: None):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                counted()
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


class LosingRelay(Relay):
    """Plain HTTP before an API server, which gets every request; of each write the first answer is lost, and with it the
    connection."""

    WRITE = re.compile(rb"(POST|PUT|PATCH|DELETE) ([^ ]+) HTTP/1.1\r\n")

    def __init__(self, target, context):
        """context: an ssl.SSLContext that knows the server and the client's certificate."""
        super().__init__(target)
        self.context = context
        self.lost = []

    def _serve(self, client):
        with contextlib.suppress(OSError), client, socket.create_connection(self.target) as plain:
            with self.context.wrap_socket(plain, server_hostname=self.target[0]) as there:
                with self.lock:
                    self.open.update((client, there))
                self._pass_on(client, there)
                with self.lock:
                    self.open -= {client, there}

    def _pass_on(self, client, there):
        """In one thread: a TLS connection is not to be read and written at once."""
        loses = False
        while True:
            ready = [there] if there.pending() else select.select([client, there], [], [])[0]
            if there in ready:
                there.setblocking(False)
                try:
                    answer = there.recv(65536)
                except ssl.SSLWantReadError:  # what came was TLS's own
                    answer = None
                there.setblocking(True)
                if answer == b"" or (answer and loses):
                    return
                client.sendall(answer or b"")
            if client in ready:
                request = client.recv(65536)
                if not request:
                    return
                loses = loses or self._is_to_lose(request)
                there.sendall(request)

    def _is_to_lose(self, data):
        # Requests are not pipelined: each begins what the client sends next.
        request = self.WRITE.match(data)
        if not request or b"dryRun=All" in request.group(2) or b"authorization.k8s.io" in request.group(2):
            return False
        name = b" ".join(request.groups()).decode().split("?")[0]
        with self.lock:
            if name in self.lost:
                return False
            self.lost.append(name)
            return True
