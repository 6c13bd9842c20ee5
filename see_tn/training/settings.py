"""What makes a run what it is: compared with what it was when its folder was begun."""

import json
from collections.abc import Mapping
from typing import Any


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they come back from JSON; what JSON has no word for is written as text."""
    values: dict[str, Any] = json.loads(json.dumps(settings, default=str))
    return values


def first_difference(before: Any, now: Any, name: str = "") -> str | None:
    """Name the first setting that is another, with both values, as in `stage_1.rate (0.001, now 0.002)`.

    Args:
        before: plain settings, groups of them as mappings.
        now: the same.
        name: of the group.
    Returns:
        None where all are the same.
    """
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return None if before == now else f"{name} ({before!r}, now {now!r})"
    for key in sorted(before.keys() | now.keys()):
        if found := first_difference(before.get(key), now.get(key), f"{name}.{key}" if name else key):
            return found
    return None
