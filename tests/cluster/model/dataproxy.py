"""DataProxyService: where clients put code and files, and find decks."""

from __future__ import annotations

import base64
import posixpath
from typing import Any

import grpc
from flyteidl.service import dataproxy_pb2
from flyteidl.service.dataproxy_pb2_grpc import DataProxyServiceServicer

from tests.cluster.model.records import Book, now
from tests.cluster.model.refusing import missing, refusing
from tests.cluster.model.store import Store


@refusing(DataProxyServiceServicer)
class DataProxy(DataProxyServiceServicer):
    """Links into the store."""

    def __init__(self, book: Book, store: Store) -> None:
        self._book, self._store = book, store

    def CreateUploadLocation(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The same content goes to the same place."""
        md5 = base64.b64encode(request.content_md5).decode()
        root = request.filename_root or base64.b32encode(request.content_md5).decode().rstrip("=").lower()
        key = posixpath.join(request.project, request.domain, root, request.filename or "upload")
        return dataproxy_pb2.CreateUploadLocationResponse(
            signed_url=self._store.upload_url(key, md5), native_url=self._store.uri(key), expires_at=now()
        )

    def CreateDownloadLocation(self, request: Any, context: grpc.ServicerContext) -> Any:
        url = self._store.download_url(request.native_url)
        return dataproxy_pb2.CreateDownloadLocationResponse(signed_url=url, expires_at=now())

    def CreateDownloadLink(self, request: Any, context: grpc.ServicerContext) -> Any:
        """A node's deck is the one thing that there are links to."""
        name = request.node_execution_id
        run = name.execution_id
        with self._book.lock:
            execution = self._book.executions.get((run.project, run.domain, run.name))
            node = execution.nodes.get(name.node_id) if execution else None
        if node is None or not node.shown.closure.deck_uri:
            return missing(context, f"deck of {name.node_id}")
        url = self._store.download_url(node.shown.closure.deck_uri)
        return dataproxy_pb2.CreateDownloadLinkResponse(
            signed_url=[url], pre_signed_urls=dataproxy_pb2.PreSignedURLs(signed_url=[url], expires_at=now())
        )
