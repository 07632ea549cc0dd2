"""A small S3 that lists what it is told to, also what the real ones of tests will not keep; and answers as told."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.object_store_client import Bucket

PAGE = 3  # keys of a listing
_TIME = "2024-01-01T00:00:00.000Z"


class Server:
    """`objects`: what is there, by key. `answer`: an error that every request gets, as (status, code)."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.answer: tuple[int, str] | None = None

    def page(self, prefix: str, delimiter: str, after: str) -> str:
        """A page of a listing: keys, then what lies deeper, by its first folder."""
        keys, folders = [], []
        for key in sorted(key for key in self.objects if key.startswith(prefix) and key > after):
            inner = key[len(prefix) :]
            if delimiter and delimiter in inner[:-1]:
                folders.append(prefix + inner.split(delimiter)[0] + delimiter)
            else:
                keys.append(key)
        shown = keys if delimiter else keys[:PAGE]
        more = len(shown) < len(keys)
        token = f"<NextContinuationToken>{_xml(shown[-1])}</NextContinuationToken>" if more else ""
        contents = "".join(self._entry(key) for key in shown)
        prefixes = "".join(
            f"<CommonPrefixes><Prefix>{_xml(folder)}</Prefix></CommonPrefixes>"
            for folder in dict.fromkeys(folders)
        )
        return (
            f"<ListBucketResult><Name>b</Name><KeyCount>{len(shown)}</KeyCount>{token}"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{contents}{prefixes}</ListBucketResult>"
        )

    def _entry(self, key: str) -> str:
        size = len(self.objects[key])
        return (
            f"<Contents><Key>{_xml(key)}</Key><LastModified>{_TIME}</LastModified><ETag>&quot;e&quot;</ETag>"
            f"<Size>{size}</Size></Contents>"
        )


def _xml(text: str) -> str:
    return "".join(character if character >= " " else f"&#{ord(character)};" for character in escape(text))


@contextlib.contextmanager
def serving(objects: dict[str, bytes], prefix: str = "out") -> Iterator[tuple[Server, ObjectStore]]:
    """The server, and a store over it."""
    import obstore.store as stores

    server = Server(objects)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def _say(self, status: int, body: bytes, length: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.send_header("ETag", '"e"')
            self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            if server.answer is not None:
                status, code = server.answer
                self._say(status, f"<Error><Code>{code}</Code></Error>".encode())
                return
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            if "list-type" in query:
                after = query.get("continuation-token", query.get("start-after", ""))
                self._say(200, server.page(query["prefix"], query.get("delimiter", ""), after).encode())
                return
            key = unquote(address.path).removeprefix("/b/")
            data = server.objects.get(key)
            self._say(
                404 if data is None else 200,
                b"" if data is None or self.command == "HEAD" else data,
                len(data or b""),
            )

        do_HEAD = do_GET

        def do_PUT(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            server.objects[unquote(urlsplit(self.path).path).removeprefix("/b/")] = data
            self._say(200, b"")

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    client = stores.S3Store(
        "b",
        endpoint=f"http://127.0.0.1:{listener.server_port}",
        access_key_id="a",
        secret_access_key="b",
        region="us-east-1",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    try:
        yield server, ObjectStore(Bucket("s3://b", client), prefix)
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
