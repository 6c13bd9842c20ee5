"""The one error that a user of see_kb has to catch: its text names the place, the problem and the remedy."""


class SeeError(Exception):
    """Something a user gave cannot be used; the message is one line: place, problem, remedy."""


class FormatError(SeeError, ValueError):
    """A file or a text is not in the format it should be in."""
