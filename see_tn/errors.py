"""The one error that a user of see_tn has to catch: its text names the place, the problem and the remedy."""


class FactorError(ValueError):
    """Factors, rows, a checkpoint or a folder to write cannot be used; one line: place, problem, remedy."""


class BudgetError(FactorError):
    """Nothing of the form that was asked for is so small."""
