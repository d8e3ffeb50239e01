"""One embedded account: everything behind the wire, put together over a state directory."""

import logging
from functools import partial

from . import credentials, encryption, processes, services
from .access import Access
from .access_keys import AccessKeys, open_keys
from .bucket_tags import BUCKETS
from .calls import Calls
from .clock import Clock
from .furnish import furnish, furnish_region, furnish_vpc
from .image_packages import ImagePackages
from .injections import Injections
from .logbook import LogBook
from .metrics import Metrics
from .moto_backend import MotoBackend
from .network import Network
from .objects import ObjectStore, StoreDamaged
from .objects.adoption import adopt
from .objects.keeper import Keeper
from .paths import Paths
from .places import Places
from .registry import Context
from .renewal import Parts, Renewal
from .requests import Requests
from .roles import Roles
from .scheduler import Scheduler
from .settings import Settings
from .store import Store
from .tagging import Tagged, Tags

log = logging.getLogger(__name__)


class Account:
    """Holds the parts together and starts and stops them in order."""

    def __init__(self, paths: Paths, settings: Settings, s3_port: int, access: Access) -> None:
        self.access = access
        self.paths = paths
        self.settings = settings
        self.store = Store(paths.database)
        self.clock = Clock(self.store)
        self.calls = Calls(paths.calls, self.clock, lambda: settings.calls_kept)
        self.keys = open_keys(paths.keys)
        credentials.prepare(self.store)
        self.moto = MotoBackend(self.store, settings, self.clock, furnish_region, furnish_vpc)
        self._access_keys = AccessKeys(self.keys, self.moto, settings)
        self.objects = ObjectStore(paths.objects)
        arguments = ["--account", settings.account, "--region", settings.region, *access.arguments()]
        self.s3 = Keeper(paths.state, paths.s3_log, s3_port, arguments)
        self.scheduler = Scheduler(self.store, self.clock)
        self.images = ImagePackages(paths.images)
        self.requests = Requests(self.scheduler.look)
        self.services = services.load()
        self.context = Context(
            store=self.store,
            settings=settings,
            paths=paths,
            scheduler=self.scheduler,
            clock=self.clock,
            ec2=Network(self.moto, settings.region),
            iam=Roles(self.moto, settings.region),
            kms=encryption.Keys(self.moto, settings.region),
            tags=Tags(self.moto, self._tagged()),
            injections=Injections(self.store, self.clock, self.services.values()),
            mounts={kind: find for service in self.services.values() for kind, find in service.mounts.items()},
            places=Places(self.store, self.scheduler, lambda: settings.max_processes),
            keys=self.keys,
            objects=self.objects,
            images=self.images,
            logs=LogBook.open(self.store, settings.region, self.clock, lambda: settings.log_events_kept),
            metrics=Metrics.open(self.store, settings.region, lambda: settings.metric_points_kept),
            region=settings.region,
        )
        self.renewal = Renewal(
            Parts(
                requests=self.requests,
                settings=settings,
                store=self.store,
                clock=self.clock,
                injections=self.context.injections,
                calls=self.calls,
                moto=self.moto,
                objects=self.objects,
                scheduler=self.scheduler,
                keys=self.keys,
                paths=paths,
                furnish=self.furnish,
            )
        )

    def _tagged(self) -> dict[str, Tagged]:
        return {"s3": BUCKETS, **{name: service.tagged for name, service in self.services.items() if service.tagged}}

    def start(self) -> None:
        """Bring everything back from the state directory; furnish it if it is new."""
        self.store.checkpoint_aside()
        self._tidy_objects()
        self.s3.start()
        self.moto.start()
        self.s3.await_ready()
        if self.furnish():
            self.renewal.remember()
        for service in self.services.values():
            for kind, turn in service.turns.items():
                self.scheduler.handle(kind, partial(turn, self.context), partial(service.failures[kind], self.context))
        self.scheduler.start(self._busy)

    def furnish(self) -> bool:
        """Furnish it if it is new; whether it was. Its own key is made where there is none, whatever else there is."""
        new = furnish(self.store, self.settings, self.objects, self.moto)
        self._access_keys.furnish()
        return new

    def stop(self) -> None:
        self.scheduler.stop()
        self.images.close()
        self.s3.stop()
        self.calls.close()
        self.store.close()
        self.keys.close()
        self.objects.close()

    def _tidy_objects(self) -> None:
        """Take in an older version's buckets and remove what writes that never ended left. Nobody else is there yet."""
        try:
            for left in adopt(self.objects, self.paths.buckets, self.settings.region):
                log.warning("not taken into S3, as no object can be made of it: %s", self.paths.buckets / left)
            self.objects.sweep()
        except StoreDamaged as damage:
            log.error("%s", damage)

    def _busy(self) -> bool:
        """Whether something goes on in real time: a request, a process of a job, or packages being installed."""
        return self.requests.open > 0 or self.images.busy or bool(processes.live(self.paths.processes))
