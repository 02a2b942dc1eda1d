"""The pictures of a request: one as its body, or several as a form."""

from __future__ import annotations

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request

from pictree.serve.limits import Limits
from pictree.serve.refusal import RefusalError

HOW = (
    "Send one picture as the body (Content-Type image/png or application/octet-stream), or "
    "several as multipart/form-data."
)


async def pictures_of(request: Request, limits: Limits) -> list[tuple[str, bytes]]:
    """Return name and bytes of each picture of a request.

    Raises
    ------
    RefusalError
        If there is none, there are too many, or the body can't be read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            return await _of_form(request, limits)
        if kind.startswith("image/") or kind in ("application/octet-stream", "application/dicom"):
            body = await request.body()
            return [("body", body)]
    except ClientDisconnect:
        raise RefusalError(400, "The request ended before its body.") from None
    raise RefusalError(415, HOW)


async def _of_form(request: Request, limits: Limits) -> list[tuple[str, bytes]]:
    try:
        async with request.form(
            max_files=limits.images, max_fields=0, max_part_size=limits.body
        ) as form:
            files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
            found = [(_text(part.filename), await part.read()) for part in files]
    except MultiPartException as error:
        raise _refusal(error.message, limits) from None
    except Exception as error:
        # Starlette answers a broken form with its own exception.
        message = getattr(error, "detail", None)
        if not isinstance(message, str):
            raise
        raise _refusal(message, limits) from None
    if not found:
        raise RefusalError(400, f"The form has no picture. {HOW}")
    return found


def _text(name: str | None) -> str:
    """Return a name without halves of characters, which no answer could hold."""
    return (name or "").encode("utf-8", "backslashreplace").decode()


def _refusal(message: str, limits: Limits) -> RefusalError:
    if "Too many files" in message:
        return RefusalError(413, f"A request may have at most {limits.images} pictures.")
    if "Too many fields" in message:
        return RefusalError(400, "Every part of the form must be a file: -F image=@picture.png.")
    return RefusalError(400, f"The form can't be read: {message.rstrip('.')}.")
