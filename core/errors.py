"""Every error that ARCHScope raises on purpose.

    ArchscopeError                  one message: what is wrong, where, what to do
    ├── InputError                  the user's input is at fault (command line: exit status 2)
    │   ├── CountsFileError         an HDF5 counts file: truncated, no expression, unknown layout
    │   ├── LabelsError             a label table
    │   ├── LengthsError            a gene length table or a GTF
    │   ├── SampleFileError         an uploaded sample
    │   ├── GeneSetsError           a .gmt file, or a list of genes
    │   ├── NotFoundError           a dataset, gene, biosample, label or run that does not exist
    │   ├── RecipeError             a parameter out of its range
    │   └── RolesError              the file that says who may do what
    ├── AccessError                 somebody who may not do this, or who took as much as they may
    ├── StoreError                  what ARCHScope itself wrote cannot be used (newer version, damaged)
    ├── RemoteError                 a server that cannot be reached, or gives what was not asked for
    ├── EngineError                 the workers that were to do the work died, or their scheduler did
    └── CancelledError              the user cancelled the job

A page shows an ``ArchscopeError`` as one box and stays usable; anything else surfaces as a bug.
"""

LONGEST_MESSAGE = 600
_KEPT_END = 200  # of a longer one: what to do stands there


class ArchscopeError(Exception):
    """Root of the hierarchy; ``str(error)`` is one line that a user can act on.

    Messages quote what they are about, which can be anything: whatever does not print becomes a space, and of more
    than LONGEST_MESSAGE characters the middle is left out.
    """

    def __init__(self, message: object = "") -> None:
        text = str(message)
        if not text.isprintable():
            text = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
        if len(text) > LONGEST_MESSAGE:
            text = f"{text[: LONGEST_MESSAGE - _KEPT_END - 5]} ... {text[-_KEPT_END:]}"
        super().__init__(text)


class InputError(ArchscopeError):
    """The input cannot be used as it is."""


class CountsFileError(InputError):
    """A counts file cannot be read as ARCHS4 HDF5."""


class LabelsError(InputError):
    """A label table cannot be used."""


class LengthsError(InputError):
    """A gene length table or GTF cannot be used."""


class SampleFileError(InputError):
    """An uploaded sample cannot be used."""


class GeneSetsError(InputError):
    """A file of gene sets, or a list of genes, cannot be used."""


class NotFoundError(InputError):
    """A named dataset, gene, biosample, label or run does not exist."""


class RecipeError(InputError):
    """A parameter is out of its range."""


class RolesError(InputError):
    """The file of roles cannot be used; nobody gets in until it is mended."""


class AccessError(ArchscopeError):
    """The person who acts may not do this, or has used up their share."""


class StoreError(ArchscopeError):
    """Something that ARCHScope wrote cannot be used any more."""


class RemoteError(ArchscopeError):
    """A server cannot be reached, has no such file, or gives what was not asked for."""


class EngineError(ArchscopeError):
    """Workers, or their scheduler, were lost for good."""


class CancelledError(ArchscopeError):
    """The job was cancelled."""
