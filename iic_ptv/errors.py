"""The error that a user can mend."""


class InputError(ValueError):
    """Something the user gave (a file, an option, a configuration key) cannot be used.

    The message names the thing, says what was expected and how to mend it. The command line prints
    the message alone; library callers can catch it as a ``ValueError``.
    """
