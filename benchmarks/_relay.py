"""A relay between a client and its PostgreSQL server that counts round trips, whatever the driver does."""

from __future__ import annotations

import selectors
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

_CHUNK = 1 << 16
_PORT = 5432


class Relay:
    """How often the client spoke after it had been answered: so often it had to wait."""

    def __init__(self, address: str) -> None:
        from psycopg.conninfo import conninfo_to_dict

        self.trips = 0
        self._address = {name: str(value) for name, value in conninfo_to_dict(address).items()}

    def serve(self, listening: socket.socket) -> None:
        """Until the socket is closed: a thread for each connection."""
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def place(self, folder: str) -> str:
        """The address at which the relay takes connections."""
        rest = {
            name: value for name, value in self._address.items() if name not in ("host", "port", "dbname")
        }
        parameters = urlencode({"host": folder, "port": _PORT, **rest}, quote_via=quote)
        return f"postgresql:///{quote(self._address.get('dbname', ''))}?{parameters}"

    def _pass_on(self, client: socket.socket) -> None:
        with client, self._server() as server, selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            answered = True
            while True:
                for key, _ in ready.select():
                    try:
                        said = key.fileobj.recv(_CHUNK)  # type: ignore[union-attr]
                        key.data.sendall(said)
                    except OSError:
                        return
                    if not said:
                        return
                    if key.fileobj is server:
                        answered = True
                    elif answered:
                        answered = False
                        self.trips += 1

    def _server(self) -> socket.socket:
        host, port = self._address.get("host", "localhost"), int(self._address.get("port", _PORT))
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server


@contextmanager
def relayed(address: str) -> Iterator[tuple[str, Relay]]:
    """The address of a relay to the server at ``address`` (libpq's parameters only), and the relay."""
    relay = Relay(address)
    with tempfile.TemporaryDirectory(prefix="relay-") as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(Path(folder) / f".s.PGSQL.{_PORT}"))
        listening.listen()
        threading.Thread(target=relay.serve, args=(listening,), daemon=True).start()
        try:
            yield relay.place(folder), relay
        finally:
            listening.shutdown(socket.SHUT_RDWR)
