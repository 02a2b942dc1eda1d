"""The server's addresses, and what stands around every answer: time, room, counting."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pictree.serve.batcher import Batcher
from pictree.serve.bodies import pictures_of
from pictree.serve.guard import Guard
from pictree.serve.limits import Limits
from pictree.serve.metrics import TYPE, Metrics
from pictree.serve.model import Looked, Model
from pictree.serve.openapi import openapi
from pictree.serve.refusal import FULL, RefusalError, error_body

_LOG = logging.getLogger("pictree.serve")
_USUAL = 10

Pictures = list[tuple[str, bytes]]
Answer = Callable[[Request], Awaitable[Response]]
AnswerPictures = Callable[[Request, Pictures], Awaitable[Response]]


class Api:
    """What each address answers.

    Parameters
    ----------
    model : Model
    limits : Limits
    version : str
        Pictree's.
    """

    def __init__(self, model: Model, limits: Limits, version: str) -> None:
        self._model, self._limits, self._version = model, limits, version
        facts = model.facts
        self.metrics = Metrics(
            {"run": facts["run"], "clusters": facts["clusters"], "version": version}
        )
        self._batcher = Batcher(model.judge, self.metrics.batch)
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "decode")
        self._answering = 0

    def routes(self) -> list[Route]:
        """Return every address with what it answers."""
        pictures, plain = self._with_room, self._counted
        return [
            Route("/predict", plain("/predict", pictures(self.predict)), methods=["POST"]),
            Route("/similar", plain("/similar", pictures(self.similar)), methods=["POST"]),
            Route("/clusters", plain("/clusters", self.clusters)),
            Route("/health", plain("/health", self.health)),
            Route("/metrics", plain("/metrics", self.measures)),
            Route("/openapi.json", plain("/openapi.json", self.described)),
            Route("/{rest:path}", plain("other", self.nothing), methods=_METHODS),
        ]

    async def close(self) -> None:
        """End the threads."""
        await self._batcher.close()
        self._threads.shutdown(cancel_futures=True)

    async def predict(self, request: Request, pictures: Pictures) -> Response:
        """Say where pictures belong."""
        looked = await self._looked(pictures)
        _, places = await self._judged(looked)
        rows = iter(places)
        return _answered(
            [
                _of(one) | (self._model.place(one, next(rows)) if one.outcome == "used" else {})
                for one in looked
            ]
        )

    async def similar(self, request: Request, pictures: Pictures) -> Response:
        """List the images of the run that are nearest to pictures."""
        count = _count(request, self._limits)
        looked = await self._looked(pictures)
        codes, places = await self._judged(looked)
        found: Any = iter(())
        if places:
            loop = asyncio.get_running_loop()
            found = iter(await loop.run_in_executor(
                self._threads, self._model.similar, codes, count
            ))  # fmt: skip
        return _answered(
            [
                _of(one) | ({"similar": next(found)} if one.outcome == "used" else {})
                for one in looked
            ]
        )

    async def clusters(self, request: Request) -> Response:
        """List the clusters."""
        return _json({"clusters": self._model.clusters})

    async def health(self, request: Request) -> Response:
        """Say that the server is there, and what it serves."""
        return _json({**self._model.facts, "version": self._version})

    async def measures(self, request: Request) -> Response:
        """Return the counters, in Prometheus' text format."""
        return Response(self.metrics.text(), headers={"Content-Type": TYPE})

    async def described(self, request: Request) -> Response:
        """Return the OpenAPI document."""
        return _json(openapi(self._version, self._limits))

    async def nothing(self, request: Request) -> Response:
        """Refuse what is not there."""
        path, method = request.url.path, request.method
        if path in _ALLOWED:
            allowed = _ALLOWED[path]
            raise RefusalError(405, f"{path} takes {allowed}, not {method}.")
        raise RefusalError(404, "There is nothing at this address; /openapi.json lists what is.")

    async def _looked(self, pictures: Pictures) -> list[Looked]:
        loop = asyncio.get_running_loop()
        waiting = [
            loop.run_in_executor(self._threads, self._model.look, name, raw)
            for name, raw in pictures
        ]
        looked = list(await asyncio.gather(*waiting))
        self.metrics.images(one.outcome for one in looked)
        return looked

    async def _judged(self, looked: list[Looked]) -> tuple[np.ndarray, list[dict[str, Any]]]:
        usable = [one for one in looked if one.pixels is not None]
        if not usable:
            return np.zeros((0, 0), np.float32), []
        return await self._batcher.judge(usable)

    def _with_room(self, answer: AnswerPictures) -> Answer:
        """Give a request with pictures a time limit, and refuse it where too many are here."""

        async def answered(request: Request) -> Response:
            self._refuse_beyond_room()
            # A place is taken once the pictures are here: who sends slowly keeps nobody waiting.
            pictures = await pictures_of(request, self._limits)
            self._refuse_beyond_room()
            self._answering += 1
            try:
                return await answer(request, pictures)
            finally:
                self._answering -= 1

        async def in_time(request: Request) -> Response:
            try:
                return await asyncio.wait_for(answered(request), self._limits.seconds)
            except asyncio.TimeoutError:
                raise RefusalError(
                    503, f"The request took more than {self._limits.seconds:g} seconds."
                ) from None

        return in_time

    def _refuse_beyond_room(self) -> None:
        if self._answering >= self._limits.waiting:
            raise RefusalError(503, FULL)

    def _counted(self, path: str, answer: Answer) -> Answer:
        """Count a request; make its refusal, or a fault of ours, a sentence."""

        async def counted(request: Request) -> Response:
            start, response = time.perf_counter(), None
            self.metrics.begin()
            try:
                response = await _safely(answer, request)
                return response
            finally:
                status = 499 if response is None else response.status_code
                self.metrics.end(path, status, time.perf_counter() - start)

        return counted


_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_ALLOWED = {"/predict": "POST", "/similar": "POST"}
_ALLOWED |= dict.fromkeys(("/clusters", "/health", "/metrics", "/openapi.json"), "GET")


async def _safely(answer: Answer, request: Request) -> Response:
    try:
        return await answer(request)
    except RefusalError as refusal:
        again = {"Retry-After": "1"} if refusal.status == 503 else {}
        return _raw(error_body(refusal.sentence), refusal.status, again)
    except Exception as error:
        _LOG.exception("a request failed")
        sentence = f"This is a fault of Pictree's ({type(error).__name__}); its log says more."
        return _raw(error_body(sentence), 500, {})


def api_app(model: Model, *, hosts: list[str], limits: Limits, version: str) -> Any:
    """Return the ASGI application that serves one run.

    Parameters
    ----------
    model : Model
    hosts : list of str
        See `pictree.serve.guard.Guard`.
    limits : Limits
    version : str
    """
    api = Api(model, limits, version)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await api.close()

    return Guard(Starlette(routes=api.routes(), lifespan=lifespan), hosts=hosts, limits=limits)


def _of(looked: Looked) -> dict[str, Any]:
    return {"name": looked.name, "outcome": looked.outcome, "reason": looked.reason}


def _answered(images: list[dict[str, Any]]) -> Response:
    """Answer with 200 where any picture could be used, with 422 and a sentence where none could."""
    if any(image["outcome"] == "used" for image in images):
        return _json({"images": images})
    first = images[0]
    sentence = f"None of the pictures can be used: {first['outcome']}, {first['reason']}."
    return _json({"error": sentence, "images": images}, 422)


def _count(request: Request, limits: Limits) -> int:
    text = request.query_params.get("k", str(_USUAL))
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not (is_number and 1 <= int(text) <= limits.neighbors):
        raise RefusalError(400, f"k must be a whole number from 1 to {limits.neighbors}.")
    return int(text)


def _json(value: Any, status: int = 200) -> Response:
    return _raw(json.dumps(value, ensure_ascii=False, allow_nan=False).encode(), status, {})


def _raw(body: bytes, status: int, headers: dict[str, str]) -> Response:
    return Response(body, status, {"Content-Type": "application/json", **headers})
