"""What a person can mend, told apart from what broke. The commands print either as one sentence and exit with its code."""


class InputError(ValueError):
    """What was given cannot be used: an unknown name, a file of another kind. Commands exit with code 2."""


class RunError(RuntimeError):
    """Something failed while running: a full disk, a loss that is no number any more. Commands exit with code 1."""
