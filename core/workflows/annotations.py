"""Gene lengths by the name of a GENCODE release: its annotation is downloaded once, then it is a file like any other.

Nothing is asked of a server unless a release is named, and nothing once its file is here.
"""

from pathlib import Path

from core.errors import RemoteError
from core.sources.gencode_releases import GencodeRelease, named_release
from core.sources.remote_address import file_name
from core.sources.remote_download import download, is_complete
from core.sources.remote_http import Patience
from core.store.workspace import Workspace
from core.types import Progress, silent
from core.workflows.remote import downloads

_SHARE = 0.05  # of a build's progress bar that the download takes


def gencode_release(text: str) -> GencodeRelease | None:
    """The GENCODE release that a text such as ``gencode:v41`` names; None for anything else, such as a path.

    Raises NotFoundError for a release that is not in the catalogue.
    """
    return named_release(text)


def annotation_file(
    workspace: Workspace, lengths: Path | None, progress: Progress = silent, patience: Patience | None = None
) -> Path | None:
    """The file that ``lengths`` means: itself, or that of the GENCODE release that it names, downloaded if need be.

    A download that stopped goes on where it was. Raises NotFoundError for an unknown release, RemoteError where its
    file cannot be had (which says what to do instead), StoreError, InputError.
    """
    release = named_release(str(lengths)) if lengths is not None else None
    if release is None:
        return lengths
    path = annotation_path(workspace, release).resolve()  # where paths are confined, a real one is asked for
    if is_complete(release.address, path):
        return path
    # Worth another try in a moment, but who is offline should not wait a minute to learn it.
    patient = patience or Patience(tries=4)

    def beginning(stage: str, done: float, total: float, **values: float | str) -> None:
        progress(f"GENCODE {release.release}: {stage}", _SHARE * done / total, 1, **values)

    try:
        download(release.address, path, release.md5, beginning, patient)
    except RemoteError as error:
        raise RemoteError(
            f"{error} To build without the network, download {release.address} on another machine and give the path "
            "of that file as gene lengths."
        ) from error
    return path


def annotation_path(workspace: Workspace, release: GencodeRelease) -> Path:
    """Where the file of a release is kept."""
    return downloads(workspace) / file_name(release.address)
