"""The model as a server."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from flyteidl.service.admin_pb2_grpc import add_AdminServiceServicer_to_server
from flyteidl.service.dataproxy_pb2_grpc import add_DataProxyServiceServicer_to_server

from tests.cluster.model.admin import Admin
from tests.cluster.model.connectors import Connectors
from tests.cluster.model.dataproxy import DataProxy
from tests.cluster.model.pods import Image, Pods
from tests.cluster.model.propeller import Propeller
from tests.cluster.model.records import Book
from tests.cluster.model.rules import Rules
from tests.cluster.model.scheduler import Scheduler
from tests.cluster.model.store import Store

LARGEST = 20 * 1024 * 1024


class Model:
    """A cluster. It serves from the moment that it is made until it is closed."""

    def __init__(self, rules: Rules, s3: Any, image: Image, bucket: str = "flyte", port: int = 0) -> None:
        self.rules, self.book, self.store = rules, Book(), Store(s3, bucket)
        self.store.prepare()
        self.pods = Pods(image, self.store, rules.pod_environment)
        self.connectors = Connectors(rules, self._violation)
        self.propeller = Propeller(rules, self.book, self.store, self.connectors, self.pods)
        self.scheduler = Scheduler(self.book, self.propeller)
        options = [("grpc.max_receive_message_length", LARGEST), ("grpc.max_send_message_length", LARGEST)]
        self._server = grpc.server(ThreadPoolExecutor(16, thread_name_prefix="admin"), options=options)
        add_AdminServiceServicer_to_server(Admin(self.book, self.propeller), self._server)
        add_DataProxyServiceServicer_to_server(DataProxy(self.book, self.store), self._server)
        self.endpoint = f"127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"
        self._server.start()

    def close(self) -> None:
        """Serve no more, and leave no thread and no pod behind."""
        self._server.stop(grace=1).wait()
        self.scheduler.close()
        self.propeller.close()
        self.connectors.close()
        self.pods.close()

    def _violation(self, text: str) -> None:
        with self.book.lock:
            self.book.violations.append(text)


def s3_of(environment: Mapping[str, str]) -> Any:
    """A client of the S3 that these variables name, as the AWS SDKs read them."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL"),
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
