"""The embedded S3: a store of objects (a library, which jobs and links use too) and the server that speaks S3 for it.

An object is an immutable file of random name and one row of the store's SQLite index; the row's commit is the write.
"""

from .errors import S3Error, StoreDamaged
from .records import Stored
from .store import ObjectStore

__all__ = ["ObjectStore", "S3Error", "StoreDamaged", "Stored"]
