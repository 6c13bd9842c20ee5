"""Packages that only some commands need: asked for before long work starts, and told by the extra that has them."""

from importlib.util import find_spec

from see_kb.errors import SeeError


def need(extra: str, *modules: str) -> None:
    """Refuse to go on without packages.

    Args:
        extra: the extra of this project that installs them.
        modules: what they are imported as.
    Raises:
        SeeError: one is missing.
    """
    for module in modules:
        if find_spec(module) is None:
            raise SeeError(f"this needs the package {module}; pip install 'see-embeddings[{extra}]'")
