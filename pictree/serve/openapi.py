"""The OpenAPI document of the server."""

from __future__ import annotations

from typing import Any

from pictree.images.outcome import OUTCOMES
from pictree.serve.limits import Limits

_REF = "#/components/schemas/"


def openapi(version: str, limits: Limits) -> dict[str, Any]:
    """Return the document.

    Parameters
    ----------
    version : str
        Pictree's.
    limits : Limits
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pictree",
            "version": version,
            "description": "Says where pictures belong in the clusters of one run. "
            f"A request has at most {limits.megabytes} MB and {limits.images} pictures of at most "
            f"{limits.megapixels} megapixels, and is answered within {limits.seconds:g} seconds.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {
            "/predict": {"post": _predict()},
            "/similar": {"post": _similar(limits)},
            "/clusters": {"get": _get("clusters", "The clusters of the run.", "Clusters")},
            "/health": {
                "get": _get("health", "Whether the server is there, and its run.", "Health")
            },
            "/metrics": {"get": _text("metrics", "Counters in Prometheus' text format.")},
            "/openapi.json": {
                "get": _get("openapi", "This document.", None),
            },
        },
        "components": {"schemas": _schemas(limits)},
    }


def _predict() -> dict[str, Any]:
    return {
        "operationId": "predict",
        "summary": "Which cluster each picture belongs to, as `pictree predict` says.",
        "requestBody": _pictures(),
        "responses": _of_pictures("Predictions"),
    }


def _similar(limits: Limits) -> dict[str, Any]:
    return {
        "operationId": "similar",
        "summary": "The images of the fit that are nearest to each picture.",
        "parameters": [
            {
                "name": "k",
                "in": "query",
                "description": "How many.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": limits.neighbors,
                    "default": 10,
                },
            }
        ],
        "requestBody": _pictures(),
        "responses": _of_pictures("Similar"),
    }


def _pictures() -> dict[str, Any]:
    binary = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
    form = {
        "type": "object",
        "properties": {"image": {"type": "array", "items": binary["schema"]}},
        "description": "Every part is one picture, whatever its field is called.",
    }
    return {
        "required": True,
        "content": {
            "image/*": binary,
            "application/octet-stream": binary,
            "application/dicom": binary,
            "multipart/form-data": {"schema": form},
        },
    }


def _of_pictures(schema: str) -> dict[str, Any]:
    refusals = {
        "400": "The request can't be read.",
        "413": "Too many bytes or pictures.",
        "415": "The body is neither a picture nor a form.",
        "503": "Too many requests, or the time is up.",
    }
    return {
        "200": _content("At least one picture could be used.", schema),
        "422": _content("None of the pictures can be used.", schema),
        **{status: _content(about, "Error") for status, about in refusals.items()},
        **_guarded(),
    }


def _guarded() -> dict[str, Any]:
    return {
        "403": _content("The request comes from a web page of another address.", "Error"),
        "421": _content("The Host is none of this server's names.", "Error"),
    }


def _get(name: str, summary: str, schema: str | None) -> dict[str, Any]:
    answer = _content(summary, schema) if schema else _of_kind("application/json", summary)
    return {"operationId": name, "summary": summary, "responses": {"200": answer, **_guarded()}}


def _text(name: str, summary: str) -> dict[str, Any]:
    answer = _of_kind("text/plain", summary)
    return {"operationId": name, "summary": summary, "responses": {"200": answer, **_guarded()}}


def _of_kind(kind: str, about: str) -> dict[str, Any]:
    schema = {"type": "string" if kind == "text/plain" else "object"}
    return {"description": about, "content": {kind: {"schema": schema}}}


def _content(about: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"{_REF}{schema}"}}}
    return {"description": about, "content": content}


def _schemas(limits: Limits) -> dict[str, Any]:
    text, whole = {"type": "string"}, {"type": "integer"}
    label = {"type": ["string", "null"], "description": "The name most of its images were given."}
    cluster = {**whole, "description": "0 is the largest; -1 is noise (HDBSCAN alone)."}
    distance = {"type": "number", "minimum": 0, "description": "In code units."}
    looked = {
        "name": {**text, "description": "Of the file in the form; `body` for a lone picture."},
        "outcome": {**text, "enum": [o for o in OUTCOMES if o != "duplicate"]},
        "reason": {**text, "description": "Why it can't be used; empty where it can."},
    }
    predicted = {
        "cluster": cluster,
        "cluster_label": label,
        "label": {**text, "enum": ["", "unknown"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "distance": distance,
        "nearest": _object({"id": whole, "path": text}),
    }
    image = {"id": whole, "path": text, "cluster": cluster, "cluster_label": label}
    near = {"type": "array", "maxItems": limits.neighbors}
    near["items"] = _object({**image, "distance": distance})
    row = {"cluster": cluster, "images": whole, "label": label, "labelled": whole}
    row["nearest_to_centre"] = {**text, "description": "Path of the image nearest to its centre."}
    return {
        "Error": _object({"error": text}),
        "Predictions": _images(looked, predicted),
        "Similar": _images(looked, {"similar": near}),
        "Clusters": _object({"clusters": {"type": "array", "items": _object(row)}}),
        "Health": _object(
            {
                "status": {**text, "enum": ["ok"]},
                "run": {**text, "description": "Name of the run's folder."},
                "images": {**whole, "description": "Of the run, copies left out."},
                "clusters": {**text, "description": "Name of the clusters, such as tree-10."},
                "k": whole,
                "version": {**text, "description": "Of Pictree."},
            }
        ),
    }


def _images(looked: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a list of pictures, of which the unusable lack what was found."""
    image = {
        "type": "object",
        "properties": {**looked, **found},
        "required": list(looked),
        "additionalProperties": False,
    }
    pictures = {"type": "array", "minItems": 1, "items": image}
    error = {"type": "string", "description": "Where none can be used."}
    return {
        "type": "object",
        "properties": {"images": pictures, "error": error},
        "required": ["images"],
        "additionalProperties": False,
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
