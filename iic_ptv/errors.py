"""What ends a command early: an error that the user can mend, or the user's wish."""

import re


class InputError(ValueError):
    """Something the user gave (a file, an option, a configuration key) cannot be used.

    The message names the thing, says what was expected and how to mend it. The command line prints
    the message alone; library callers can catch it as a ``ValueError``.
    """


def message_of(error: InputError) -> str:
    """The message alone; PyTorch puts a traceback in front of that of an error in a data-loading process."""
    message = str(error)
    if message.startswith("Caught ") and "Traceback" in message:
        message = re.split(r"^[\w.]+Error: ", message, flags=re.MULTILINE)[-1]
    return message.strip()


class RunInterrupted(Exception):
    """Training was asked to stop and left a checkpoint, named by the message."""
