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


class CheckpointNotWritten(InputError):
    """A checkpoint could not be written, for example to a full disk; the ones before are as they were."""


class RunInterrupted(Exception):
    """Training was asked to stop and left a checkpoint.

    Args:
        checkpoint: the file to go on from.
        to_go_on: whether the run is to go on by itself, as one that is pre-empted or whose time is up.
    """

    def __init__(self, checkpoint: str, to_go_on: bool = False) -> None:
        super().__init__(checkpoint)
        self.to_go_on = to_go_on
