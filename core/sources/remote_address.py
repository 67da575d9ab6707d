"""Addresses of files on servers: which ones are taken, and what they are taken for."""

from urllib.parse import quote, unquote, urlsplit, urlunsplit

from core.errors import InputError
from core.sources.plain_names import kept_name

SCHEMES = ("http", "https")


def checked_address(address: str) -> str:
    """The address to ask: ``http`` and ``https`` as they are, ``s3://bucket/key`` of a public bucket as ``https``.

    Raises InputError for anything else: another scheme (``file`` among them), no server, a name or password within.
    """
    text = address.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise InputError(f"{text!r} is no address ({error}): write it like https://server/folder/file.h5.") from error
    if parts.scheme.lower() == "s3":
        return _of_bucket(text, parts.netloc, parts.path)
    if parts.scheme.lower() not in SCHEMES:
        raise InputError(f"{text!r}: only addresses that begin with https://, http:// or s3:// are read.")
    if not parts.hostname or port == 0:
        raise InputError(f"{text!r} names no server: write it like https://server/folder/file.h5.")
    if parts.username is not None or parts.password is not None:
        raise InputError("The address holds a user name or a password, which would be written down: leave it out.")
    if any(ord(mark) <= 32 or ord(mark) == 127 for mark in text):
        raise InputError(f"{text!r} has a space or a line end in it: write a space as %20.")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=-._~")
    return urlunsplit((parts.scheme.lower(), parts.netloc, path, parts.query, ""))


def file_name(address: str) -> str:
    """The name of the file at an address, fit for a folder of this machine; "remote.h5" where it has none."""
    last = unquote(urlsplit(address).path.rsplit("/", 1)[-1])
    return kept_name(last.replace("/", "_").replace("\\", "_"), "remote.h5")


def _of_bucket(text: str, bucket: str, key: str) -> str:
    fine = bucket and all(mark.isascii() and (mark.isalnum() or mark in "-._") for mark in bucket)
    if not fine or key in ("", "/"):
        raise InputError(f"{text!r} is no file in a bucket: write it like s3://bucket/folder/file.h5.")
    return f"https://s3.amazonaws.com/{bucket}{quote(key, safe='/')}"
