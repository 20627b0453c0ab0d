"""How much may still go wrong: the error budget of a target, in tickets."""

from fractions import Fraction


def error_budget(good: int, decided: int, share: float) -> Fraction:
    """Return how many more tickets may miss, with no other decided, and the share still be met.

    That many rounded down; less than nothing once the share is missed. It is not rounded here,
    because what partitions and hosts have left adds up.
    """
    # As it stands in the policy: 0.9 is nine tenths, which no float is.
    return good / Fraction(str(share)) - decided
