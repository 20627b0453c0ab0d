"""How a metric of the first response is called for another clock."""


def clock_name(name: str, clock: str) -> str:
    """Return it: of `sla_tickets_overdue` that is `sla_resolution_tickets_overdue`."""
    begin = "sla_window_" if name.startswith("sla_window_") else "sla_"
    rest = name.removeprefix(begin)
    plural = f"{clock[:-1]}ies" if clock.endswith("y") else f"{clock}s"
    for first, other in (("first_responses", plural), ("first_response", clock)):
        if rest.startswith(first):
            return f"{begin}{other}{rest.removeprefix(first)}"
    return f"{begin}{clock}_{rest}"
