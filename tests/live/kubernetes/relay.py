"""A port that leads to a server, until it is cut."""
import contextlib
import socket
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
