"""What all unit tests share: how long hypothesis searches, and a collector with less to look at."""

import gc

from tests.unit.sla import profiles

profiles.load()


def pytest_collection_finish():
    """Leave what has been imported and collected out of each collection: an eighth of the time."""
    gc.collect()
    gc.freeze()
