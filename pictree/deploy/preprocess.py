"""What a picture goes through before the network, in JSON for people who write it elsewhere."""

from __future__ import annotations

from typing import Any

from pictree.store import Run

_MODES = {1: "L", 3: "RGB"}


def preprocessing(run: Run) -> dict[str, Any]:
    """Return what becomes of a picture before the network sees it.

    Parameters
    ----------
    run : Run

    Returns
    -------
    dict
        Plain values; ``preprocess.json`` of an exported model.
    """
    about = run.info["image_format"]
    channels = about["channels"]
    return {
        "format": 1,
        "input": "pixels",
        "type": "float32",
        "layout": "NCHW",
        "height": about["height"],
        "width": about["width"],
        "channels": channels,
        "mode": _MODES[channels],
        "scale": 1 / 255,
        "mean": [0.0] * channels,
        "std": [1.0] * channels,
        "resize": {
            "library": "Pillow",
            "filter": "bicubic",
            "reducing_gap": 2.0,
            "keep_aspect_ratio": True,
            "border": "median of the edge pixels",
        },
        "array_value_range": run.info["value_range"],
        "steps": _steps(about, channels),
    }


def _deep(about: dict[str, Any]) -> str:
    deep = about.get("deep")
    return "values {:,} to {:,} of 16-bit grey files".format(*deep) if deep else "16-bit values"


def _steps(about: dict[str, Any], channels: int) -> list[str]:
    colour = "grey by ITU-R 601-2 (Pillow's mode L)" if channels == 1 else "RGB"
    size = f"{about['width']} x {about['height']}"
    return [
        "turn the picture upright by its EXIF orientation",
        f"lay transparent pixels over white; bring {_deep(about)} to 8 bits",
        "for arrays: map array_value_range linearly to 0..255, where it is not null",
        f"convert to {colour}",
        f"resize by Pillow's bicubic filter to fit inside {size}, keeping the aspect ratio; "
        "less than a pixel of border counts as none",
        f"centre it in {size} on the median colour of its edge, where it does not fill that",
        "multiply by scale, subtract mean, divide by std; order the axes as batch, channel, row, "
        "column",
    ]
