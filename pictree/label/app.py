"""The page's addresses: its own files, JSON about the pile, pictures by id."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pictree.errors import UserError
from pictree.label.actions import BY_PEOPLE, ActionError
from pictree.label.guard import Guard
from pictree.label.pictures import MOST_ON_SHEET, large, sheet
from pictree.label.session import ConflictError, Session
from pictree.label.views import Views
from pictree.label.work import again, spread_names, take_apart

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_SPOT = 20
_KEPT = {"Cache-Control": "private, max-age=86400, immutable"}
_FRESH = {"Cache-Control": "no-store"}

Body = dict[str, Any]


def page_files() -> dict[str, str]:
    """Return the page's files by name, read from the package."""
    folder = files("pictree.label") / "page"
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


def label_app(session: Session, *, hosts: list[str], token: str, cookie: str) -> Any:
    """Return the ASGI application that serves one session.

    Parameters
    ----------
    session : Session
    hosts, token, cookie
        See `pictree.label.guard.Guard`.
    """
    views = Views(session)
    look, do, pictures = _Looks(session, views), _Changes(session, views), _Pictures(session)
    changes = {"act": do.act, "apart": do.apart, "again": do.again, "spread": do.spread}
    changes["draw"] = do.draw
    routes = [
        Route("/", look.page),
        Route("/page/{name}", look.page),
        Route("/api/state", look.state),
        Route("/api/group/{key:int}", look.group),
        Route("/api/image/{image:int}", pictures.about),
        Route("/sheet", pictures.sheet),
        Route("/image/{image:int}", pictures.large),
        *(Route(f"/api/{n}", _answer_to(views, f), methods=["POST"]) for n, f in changes.items()),
    ]
    return Guard(Starlette(routes=routes), hosts=hosts, token=token, cookie=cookie)


class _Looks:
    """The page itself, and what it shows in words and figures."""

    def __init__(self, session: Session, views: Views) -> None:
        self._session, self._views, self._pages = session, views, page_files()

    def page(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in self._pages:
            raise HTTPException(404)
        kind = _TYPES[name.rpartition(".")[2]]
        return Response(self._pages[name], media_type=kind, headers=_FRESH)

    def state(self, request: Request) -> Response:
        if request.query_params.get("since") == str(self._session.revision):
            return Response(status_code=204)
        return JSONResponse(self._views.whole(), headers=_FRESH)

    def group(self, request: Request) -> Response:
        try:
            return JSONResponse(self._views.members(request.path_params["key"]), headers=_FRESH)
        except KeyError:
            raise HTTPException(404) from None


class _Pictures:
    """Pictures, by their ids alone."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def sheet(self, request: Request) -> Response:
        pile = self._session.pile
        ids = _ids_in(request.query_params.get("ids", ""))
        rows = pile.rows(ids)
        if (rows >= len(pile.ids)).any() or (pile.ids[rows] != ids).any():
            raise HTTPException(404)
        data, kind = sheet(pile.pixels[rows])
        return Response(data, media_type=kind, headers=_KEPT)

    def large(self, request: Request) -> Response:
        self._row(request)
        data, kind = large(self._session.run, self._session.pile, request.path_params["image"])
        return Response(data, media_type=kind, headers=_KEPT)

    def about(self, request: Request) -> Response:
        return JSONResponse({"path": self._session.pile.paths[self._row(request)]}, headers=_FRESH)

    def _row(self, request: Request) -> int:
        ids, image = self._session.pile.ids, request.path_params["image"]
        row = int(np.searchsorted(ids, image))
        if row >= len(ids) or ids[row] != image:
            raise HTTPException(404)
        return row


class _Changes:
    """What the page can ask for; each takes the body and the revision that the page saw."""

    def __init__(self, session: Session, views: Views) -> None:
        self._session, self._views = session, views

    def act(self, body: Body, revision: int) -> Body:
        kind, given = body.get("kind"), body.get("body")
        if kind not in BY_PEOPLE or not isinstance(given, dict):
            raise ActionError("an action must be known", got=repr(kind)[:80], do="Load it again")
        self._session.act(kind, given, revision)
        return {}

    def apart(self, body: Body, revision: int) -> Body:
        key, how = _number(body.get("group")), str(body.get("how"))
        return take_apart(self._session, key, how, revision)

    def again(self, body: Body, revision: int) -> Body:
        return again(self._session, revision)

    def spread(self, body: Body, revision: int) -> Body:
        return spread_names(self._session, revision)

    def draw(self, body: Body, revision: int) -> Body:
        members = self._views.members(_number(body.get("group")))["ids"]
        wanted = body.get("ids")
        chosen = members if wanted is None else sorted(set(members) & set(wanted))
        return {"seen": self._views.draw(chosen, _SPOT)}


def _answer_to(views: Views, do: Callable[[Body, int], Body]) -> Any:
    """Return the endpoint that does a change, and answers with the new state or why not."""

    async def endpoint(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except (ValueError, RecursionError):
            raise HTTPException(400) from None
        except ClientDisconnect:
            raise HTTPException(413) from None
        return await run_in_threadpool(_answer, views, do, body)

    return endpoint


def _answer(views: Views, do: Callable[[Body, int], Body], body: Any) -> Response:
    status, found = 200, {}
    try:
        if not isinstance(body, dict):
            raise ActionError("a request must be an object", got="another", do="Load it again")
        found = do(body, _number(body.get("revision")))
    except ConflictError as error:
        status, found = 409, {"error": str(error)}
    except KeyError:
        status, found = 409, {"error": "The group is gone. Look at what there is now."}
    except (UserError, TypeError) as error:
        status, found = 422, {"error": str(error)}
    return JSONResponse({**found, "state": views.whole()}, status, headers=_FRESH)


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ActionError("a number must be given", got=repr(value)[:80], do="Load the page again")
    return value


def _ids_in(text: str) -> np.ndarray:
    """Return the ids of a sheet, in their order."""
    parts = text.split(",")
    good = len(parts) <= MOST_ON_SHEET and all(
        p.isascii() and p.isdigit() and len(p) <= 10 and int(p) < 2**32 for p in parts
    )
    if not good:
        raise HTTPException(400)
    return np.array([int(part) for part in parts], np.uint32)
