"""The one error that a user of see_tn has to catch: its text names the place, the problem and the remedy."""


class FactorError(ValueError):
    """Factors, rows or a checkpoint cannot be used; the message is one line: place, problem, remedy."""
