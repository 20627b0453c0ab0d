"""One tree for every error a person can meet; each is a sentence that names the way out."""

from typing import ClassVar


class SlaMonitorError(Exception):
    """The root: its text is shown to people as it is, and `exit_code` ends the command."""

    exit_code: ClassVar[int] = 1


class UsageError(SlaMonitorError):
    """The command was called in a way that cannot work."""

    exit_code = 2


class BrokerUnreachableError(SlaMonitorError):
    """No Kafka broker answered within the time allowed."""

    exit_code = 3


class BrokerRefusedError(BrokerUnreachableError):
    """A broker answers, but not to us as we are set up: trying again would change nothing."""


class PolicyError(SlaMonitorError):
    """The policy file is wrong; the text has a line for each problem."""

    exit_code = 4


class InputError(SlaMonitorError):
    """A file or a stream handed to a command is not what it should be."""

    exit_code = 4


class TopicError(SlaMonitorError):
    """A topic is missing, has the wrong shape, or may not be used."""


class PartitionLostError(SlaMonitorError):
    """A newer owner holds the partition now, or its transaction failed: state must be recovered."""
