"""Figures as people read them, the same at the terminal and in the documents."""

from bench.rounds import Measured
from bench.targets import NOT_TOLD, Target, Verdict

NOT_MEASURED = "not measured"


def readable(value: float) -> str:
    """Three figures that say something, and no more."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2f}".rstrip("0").rstrip(".")


def with_spread(measured: Measured | None) -> str:
    if measured is None:
        return ""
    half = round(50 * measured.spread)
    return readable(measured.value) + (f" ±{half} %" if half else "")


def of_unit(value: float, target: Target) -> str:
    match target.unit:
        case "share":
            return f"{100 * value:.0f} %"
        case "per second":
            return f"{readable(value)}/s"
        case _:
            return f"{readable(value)}x"


def bound(target: Target) -> str:
    return f"{'at least' if target.sign == '>=' else 'at most'} {of_unit(target.bound, target)}"


def measured(verdict: Verdict) -> str:
    """With what it lies between, when that is more than itself."""
    found = verdict.measured
    if found is None:
        return NOT_MEASURED
    low, value, high = (of_unit(each, verdict.target) for each in (found.low, found.value, found.high))
    return value if low == high else f"{value} ({low} to {high})"


def met(verdict: Verdict) -> str:
    return {None: "", True: "yes", False: "no", NOT_TOLD: NOT_TOLD}[verdict.met]
