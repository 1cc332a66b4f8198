"""How figures are written for people."""

from collections.abc import Mapping


def interval_text(interval: Mapping[str, float], sign: str = "") -> str:
    """Write a mean and its interval (mean, low, high), as 0.272 [0.255, 0.291]; `sign` "+" shows pluses."""
    mean, low, high = (format(interval[name], f"{sign}.3f") for name in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"
