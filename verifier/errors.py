"""Exceptions for callers' mistakes, with the exit code each one ends a command with.

VerifierError
├── UsageError                 exit 2: an option is missing, unknown or contradicts another
│   └── AnotherSlopeError      a negative slope is given, and the network says that it has another
└── MalformedInputError        exit 4: a file or array cannot be read as what it should be
    ├── CheckpointError        a network file or state dict
    ├── DataError              a data set
    └── CertificateFormatError a certificate file

The outcome of a certification or of a check is a value (see `verifier.outcomes`), never an exception.
"""


class VerifierError(Exception):
    """Base class. Its text says who, what was expected, what came, and what to do."""

    exit_code = 1


def said_by(who: str, error: object, *, room: str = "") -> str:
    """`who: text`, for a door that says who speaks; a text that begins with that name is not given it twice. room: the name that the text has where it
    comes from, and that the door's takes the place of."""
    return f"{who}: {str(error).removeprefix(f'{room or who}: ').removeprefix(f'{who}: ')}"


class UsageError(VerifierError):
    exit_code = 2


class AnotherSlopeError(UsageError):
    """A negative slope is given, and the network says that it has another."""


class MalformedInputError(VerifierError):
    exit_code = 4


class CheckpointError(MalformedInputError):
    pass


class DataError(MalformedInputError):
    pass


class CertificateFormatError(MalformedInputError):
    """word: what `check` calls the file."""

    word = "MALFORMED"


class UnreadableCertificateError(CertificateFormatError):
    """There is no file, or it cannot be read: nothing is said of its content."""

    word = "UNREADABLE"


class DataFileError(CertificateFormatError):
    """Of a data file that the caller named beside a certificate: nothing is said against the certificate."""
