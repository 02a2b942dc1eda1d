"""Convolutions of few channels compiled by numba: many images side by side make a row long.

Maps are (channels, height, width × images): one pixel of all images lies together, so each loop
runs along a whole row of all of them and uses the processor's vectors fully, however few the
channels. "Framed" maps have a border of one zero pixel. `pictree.networks.whole` puts a network
together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_FAST: Any = {
    "nogil": True,
    "cache": True,
    "boundscheck": False,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz"},
}
"""Sums in any order, products and sums in one step; NaN and infinity stay what they are."""


# Slices, and not sums of numbers in brackets: numbers in brackets may be negative for all that
# the compiler knows, and then nothing is done in vectors. Up to eight rows beside the one that is
# written it checks for overlap at the start; with nine it gives up.


@njit(**_FAST)
def _add_one(out, a, w, n):  # type: ignore[no-untyped-def]
    """Add a row, at three places, times their weights."""
    b, c, p, q, r = a[n:], a[2 * n :], w[0], w[1], w[2]
    for j in range(len(out)):
        out[j] += p * a[j] + q * b[j] + r * c[j]


@njit(**_FAST)
def _add_two(out, a, x, v, w, n):  # type: ignore[no-untyped-def]
    """Add two rows, each at three places, times their weights."""
    b, c, p, q, r = a[n:], a[2 * n :], v[0], v[1], v[2]
    y, z, s, t, u = x[n:], x[2 * n :], w[0], w[1], w[2]
    for j in range(len(out)):
        out[j] += p * a[j] + q * b[j] + r * c[j] + s * x[j] + t * y[j] + u * z[j]


@njit(**_FAST)
def _dot_one(gradient, a, out, n):  # type: ignore[no-untyped-def]
    """Add the products of a row's gradient and a row, at three places."""
    b, c = a[n:], a[2 * n :]
    p = q = r = np.float32(0)
    for j in range(len(gradient)):
        g = gradient[j]
        p += g * a[j]
        q += g * b[j]
        r += g * c[j]
    out[0] += p
    out[1] += q
    out[2] += r


@njit(**_FAST)
def _dot_two(gradient, a, x, first, second, n):  # type: ignore[no-untyped-def]
    """Add the products of a row's gradient and two rows, each at three places."""
    b, c, y, z = a[n:], a[2 * n :], x[n:], x[2 * n :]
    p = q = r = s = t = u = np.float32(0)
    for j in range(len(gradient)):
        g = gradient[j]
        p += g * a[j]
        q += g * b[j]
        r += g * c[j]
        s += g * x[j]
        t += g * y[j]
        u += g * z[j]
    first[0] += p
    first[1] += q
    first[2] += r
    second[0] += s
    second[1] += t
    second[2] += u


@njit(**_FAST)
def _total(row):  # type: ignore[no-untyped-def]
    found = np.float32(0)
    for j in range(len(row)):
        found += row[j]
    return found


@njit(**_FAST)
def convolve(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, out: np.ndarray, images: int
) -> None:
    """3×3 convolution of framed maps.

    Parameters
    ----------
    x : float32 (inputs, height + 2, (width + 2) images)
        Framed.
    kernel : float32 (outputs, inputs, 3, 3)
    bias : float32 (outputs,)
    out : float32 (outputs, height, width images)
        Written.
    images : int
    """
    outputs, height, _ = out.shape
    for row in range(height):
        for o in range(outputs):
            to = out[o, row]
            to[:] = bias[o]
            for i in range(len(x)):
                w = kernel[o, i]
                _add_two(to, x[i, row], x[i, row + 1], w[0], w[1], images)
                _add_one(to, x[i, row + 2], w[2], images)


@njit(**_FAST)
def convolve_gradient(
    x: np.ndarray, gradient: np.ndarray, kernel: np.ndarray, bias: np.ndarray, images: int
) -> None:
    """Add up the gradients of `convolve`'s kernel and bias.

    Parameters
    ----------
    x : float32 (inputs, height + 2, (width + 2) images)
        Framed.
    gradient : float32 (outputs, height + 2, (width + 2) images)
        Framed.
    kernel, bias : float32 (outputs, inputs, 3, 3), (outputs,)
        Added to.
    images : int
    """
    height = x.shape[1] - 2
    for row in range(height):
        for o in range(len(gradient)):
            g = gradient[o, row + 1, images:-images]
            bias[o] += _total(g)
            for i in range(len(x)):
                w = kernel[o, i]
                _dot_two(g, x[i, row], x[i, row + 1], w[0], w[1], images)
                _dot_one(g, x[i, row + 2], w[2], images)


@njit(**_FAST)
def pool(y: np.ndarray, out: np.ndarray, index: np.ndarray, images: int) -> None:
    """2×2 maximum and ReLU; odd sizes are rounded up.

    Parameters
    ----------
    y : float32 (channels, height, width images)
    out : float32 (channels, ceil(height / 2) + 2, (ceil(width / 2) + 2) images)
        Its inside is written.
    index : int32 (channels, ceil(height / 2), ceil(width / 2) images)
        Written: which of the four, row by row, was the first greatest; 4 for none.
    images : int
    """
    height, width = y.shape[1], y.shape[2] // images
    channels, rows, columns = index.shape[0], index.shape[1], index.shape[2] // images
    n = np.uintp(images)
    for c in range(channels):
        for row in range(rows):
            top, low = y[c, 2 * row], y[c, min(2 * row + 1, height - 1)]
            to, which = out[c, row + 1], index[c, row]
            for column in range(columns):
                at, left = np.uintp(column) * n, np.uintp(2 * column) * n
                right = np.uintp(min(2 * column + 1, width - 1)) * n
                for b in range(n):
                    p, q, r, s = top[left + b], top[right + b], low[left + b], low[right + b]
                    best, place = np.float32(0), np.int32(4)
                    place = np.int32(0) if p > best else place
                    best = p if p > best else best
                    place = np.int32(1) if q > best else place
                    best = q if q > best else best
                    place = np.int32(2) if r > best else place
                    best = r if r > best else best
                    which[at + b] = np.int32(3) if s > best else place
                    to[at + n + b] = s if s > best else best


@njit(**_FAST)
def unpool(gradient: np.ndarray, index: np.ndarray, out: np.ndarray, images: int) -> None:
    """Put each gradient where its maximum came from, and zero elsewhere.

    Parameters
    ----------
    gradient : float32 (channels, rows, columns images)
    index : int32, as `gradient`
    out : float32 (channels, height + 2, (width + 2) images)
        Its inside is written.
    images : int
    """
    channels, height, width = out.shape[0], out.shape[1] - 2, out.shape[2] // images - 2
    n, nought = np.uintp(images), np.float32(0)
    for c in range(channels):
        for y in range(height):
            values, places, to = gradient[c, y // 2], index[c, y // 2], out[c, y + 1]
            for x in range(width):
                place, at = np.int32(2 * (y % 2) + x % 2), np.uintp(x // 2) * n
                start = np.uintp(x + 1) * n
                for b in range(n):
                    value, here = values[at + b], places[at + b]
                    to[start + b] = value if here == place else nought


@njit(**_FAST)
def widen(y: np.ndarray, out: np.ndarray, images: int) -> None:
    """ReLU, and each column twice; the last one once where the width is odd.

    Parameters
    ----------
    y : float32 (channels, height, width images)
    out : float32 (channels, height + 2, (2 width or 2 width - 1, + 2) images)
        Its inside is written.
    images : int
    """
    channels, height, _ = y.shape
    wide, n, nought = out.shape[2] // images - 2, np.uintp(images), np.float32(0)
    for c in range(channels):
        for row in range(height):
            source, to = y[c, row], out[c, row + 1]
            for column in range(wide):
                at, start = np.uintp(column // 2) * n, np.uintp(column + 1) * n
                for b in range(n):
                    value = source[at + b]
                    to[start + b] = value if value > nought else nought


@njit(**_FAST)
def unwiden(gradient: np.ndarray, y: np.ndarray, out: np.ndarray, images: int) -> None:
    """Add up the gradients of `widen`'s columns where the ReLU let them through.

    Parameters
    ----------
    gradient : float32 (channels, height, (2 width or 2 width - 1) images)
    y : float32 (channels, height, width images)
        What `widen` got.
    out : float32 (channels, height + 2, (width + 2) images)
        Its inside is written.
    images : int
    """
    channels, height, long = y.shape
    wide, n, nought = gradient.shape[2] // images, np.uintp(images), np.float32(0)
    for c in range(channels):
        for row in range(height):
            mine, both, to = y[c, row], gradient[c, row], out[c, row + 1]
            for column in range(long // images):
                at, left = np.uintp(column) * n, np.uintp(2 * column) * n
                right = left + n if 2 * column + 1 < wide else left
                half = np.float32(1) if 2 * column + 1 < wide else np.float32(0)
                for b in range(n):
                    value, was = both[left + b] + half * both[right + b], mine[at + b]
                    to[at + n + b] = value if was > nought else nought


@njit(**_FAST)
def _folded(kernel, is_cut):  # type: ignore[no-untyped-def]
    """Weights of a source row and the one above for the even row, below for the odd one.

    `is_cut` are those of the last row where the odd one behind it is left out.
    """
    weights = np.empty((kernel.shape[0], kernel.shape[1], 4, 3), np.float32)
    for o in range(kernel.shape[0]):
        for i in range(kernel.shape[1]):
            for j in range(3):
                above, here, below = kernel[o, i, 0, j], kernel[o, i, 1, j], kernel[o, i, 2, j]
                weights[o, i, 0, j] = above
                weights[o, i, 1, j] = here if is_cut else here + below
                weights[o, i, 2, j] = above + here
                weights[o, i, 3, j] = below
    return weights


@njit(**_FAST)
def convolve_up(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, out: np.ndarray, images: int
) -> None:
    """3×3 convolution of maps whose rows are doubled first, without making the doubled rows.

    Parameters
    ----------
    x : float32 (inputs, height + 2, (wide + 2) images)
        Framed, as `widen` makes it.
    kernel : float32 (outputs, inputs, 3, 3)
    bias : float32 (outputs,)
    out : float32 (outputs, 2 height or 2 height - 1, wide images)
        Written.
    images : int
    """
    outputs, high, _ = out.shape
    folded, cut = _folded(kernel, False), _folded(kernel, True)
    for row in range(x.shape[1] - 2):
        even, odd = 2 * row, 2 * row + 1
        for o in range(outputs):
            out[o, even] = bias[o]
            if odd < high:
                out[o, odd] = bias[o]
            for i in range(len(x)):
                w = cut[o, i] if odd >= high else folded[o, i]
                _add_two(out[o, even], x[i, row], x[i, row + 1], w[0], w[1], images)
                if odd < high:
                    _add_two(out[o, odd], x[i, row + 1], x[i, row + 2], w[2], w[3], images)


@njit(**_FAST)
def convolve_up_gradient(
    x: np.ndarray, gradient: np.ndarray, kernel: np.ndarray, bias: np.ndarray, images: int
) -> None:
    """Add up the gradients of `convolve_up`'s kernel and bias.

    Parameters
    ----------
    x : float32 (inputs, height + 2, (wide + 2) images)
        Framed.
    gradient : float32 (outputs, high + 2, (wide + 2) images)
        Framed.
    kernel, bias : float32 (outputs, inputs, 3, 3), (outputs,)
        Added to.
    images : int
    """
    high, parts = gradient.shape[1] - 2, np.empty((4, 3), np.float32)
    for row in range(x.shape[1] - 2):
        is_cut = 2 * row + 1 >= high
        for o in range(len(gradient)):
            even = gradient[o, 2 * row + 1, images:-images]
            odd = gradient[o, 2 * row + 2, images:-images]
            bias[o] += _total(even) + _total(odd)
            for i in range(len(x)):
                parts[:] = 0
                _dot_two(even, x[i, row], x[i, row + 1], parts[0], parts[1], images)
                if not is_cut:
                    _dot_two(odd, x[i, row + 1], x[i, row + 2], parts[2], parts[3], images)
                for j in range(3):
                    kernel[o, i, 0, j] += parts[0, j] + parts[2, j]
                    kernel[o, i, 1, j] += parts[1, j] + parts[2, j]
                    kernel[o, i, 2, j] += parts[3, j] if is_cut else parts[1, j] + parts[3, j]


@njit(**_FAST)
def convolve_up_back(
    gradient: np.ndarray, kernel: np.ndarray, out: np.ndarray, images: int
) -> None:
    """Return gradients through `convolve_up` to its rows, before they were doubled.

    Parameters
    ----------
    gradient : float32 (outputs, high + 2, (wide + 2) images)
        Framed.
    kernel : float32 (outputs, inputs, 3, 3)
    out : float32 (inputs, height, wide images)
        Written.
    images : int
    """
    inputs, height, _ = out.shape
    high, mirrored = gradient.shape[1] - 2, kernel[:, :, :, ::-1]
    folded, cut = _folded(mirrored, False), _folded(mirrored, True)
    for row in range(height):
        for i in range(inputs):
            to = out[i, row]
            to[:] = 0
            for o in range(len(gradient)):
                w = cut[o, i] if 2 * row + 1 >= high else folded[o, i]
                g = gradient[o]
                _add_two(to, g[2 * row + 1], g[2 * row + 2], w[1], w[2], images)
                _add_one(to, g[2 * row], w[3], images)
                if 2 * row + 2 < high:
                    _add_one(to, g[2 * row + 3], w[0], images)


@njit(**_FAST)
def adadelta(
    weight: np.ndarray,
    gradient: np.ndarray,
    of_gradients: np.ndarray,
    of_steps: np.ndarray,
    numbers: tuple[float, float, float],
) -> None:
    """Take a step of Adadelta (Zeiler 2012).

    Parameters
    ----------
    weight, gradient : float32 (n,)
        The first is changed.
    of_gradients, of_steps : float32 (n,)
        Running means of squares; changed.
    numbers : (float, float, float)
        Learning rate, rho and eps.
    """
    rate, rho = np.float32(numbers[0]), np.float32(numbers[1])
    eps, rest = np.float32(numbers[2]), np.float32(1 - numbers[1])
    for j in range(len(weight)):
        g, of_step = gradient[j], of_steps[j]
        square = rho * of_gradients[j] + rest * g * g
        step = np.sqrt(of_step + eps) / np.sqrt(square + eps) * g
        of_gradients[j] = square
        of_steps[j] = rho * of_step + rest * step * step
        weight[j] -= rate * step
