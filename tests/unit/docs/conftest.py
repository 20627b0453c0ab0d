from tests.unit.sla import profiles

profiles.load()
