"""The pencil of ``drawn.py``: soft-edged shapes on many small canvases at once, a face, and twelve objects.

Coordinates are the object's own: (0, 0) its middle, 1 half its size, y down. Numbers may be scalars or (n,) arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Number = float | np.ndarray
DARK, LIGHT = -1.0, 1.0


class Canvas:
    """``n`` blank pictures at once: ``ink`` (n, pixels, pixels), 0 is paper, -1 black, 1 white.

    Parameters
    ----------
    pixels : side of the picture.
    x, y : (n,) where the middle of the drawing lies, -1 to 1.
    size : (n,) half the drawing's side, as a share of half the picture's side.

    Example
    -------
    >>> canvas = Canvas(8, x=np.zeros(1), y=np.zeros(1), size=np.ones(1))
    >>> canvas.ellipse(0, 0, 0.5, 0.5, 1.0)
    >>> float(canvas.ink[0, 4, 4]), float(canvas.ink[0, 0, 0])
    (1.0, 0.0)
    """

    def __init__(self, pixels: int, *, x: np.ndarray, y: np.ndarray, size: np.ndarray):
        grid = (np.arange(pixels) + 0.5) * 2 / pixels - 1
        self.u = (grid[None, None, :] - _lift(x)) / _lift(size)
        self.v = (grid[None, :, None] - _lift(y)) / _lift(size)
        self.pixel = 2 / pixels / _lift(size)
        self.ink = np.zeros((len(x), pixels, pixels))

    def paint(self, distance: np.ndarray, shade: Number) -> None:
        """Lay ``shade`` wherever the signed distance to a shape's edge is negative; one pixel of soft edge."""
        cover = np.clip(0.5 - distance / self.pixel, 0, 1)
        self.ink = self.ink * (1 - cover) + cover * _lift(shade)

    def ellipse(self, x: Number, y: Number, rx: Number, ry: Number, shade: Number) -> None:
        """Fill an ellipse with middle (x, y) and radii (rx, ry)."""
        rx, ry = _lift(rx), _lift(ry)
        radius = np.hypot((self.u - _lift(x)) / rx, (self.v - _lift(y)) / ry)
        self.paint((radius - 1) * np.minimum(rx, ry), shade)

    def ring(self, x: Number, y: Number, rx: Number, ry: Number, width: Number, shade: Number) -> None:
        """Draw the outline of an ellipse, ``width`` thick."""
        rx, ry = _lift(rx), _lift(ry)
        radius = np.hypot((self.u - _lift(x)) / rx, (self.v - _lift(y)) / ry)
        self.paint(np.abs(radius - 1) * np.minimum(rx, ry) - _lift(width) / 2, shade)

    def box(self, x: Number, y: Number, hx: Number, hy: Number, shade: Number) -> None:
        """Fill an upright box with middle (x, y) and half sides (hx, hy)."""
        across, down = np.abs(self.u - _lift(x)) - _lift(hx), np.abs(self.v - _lift(y)) - _lift(hy)
        self.paint(np.maximum(across, down), shade)

    def wedge(self, x: Number, top: Number, bottom: Number, h_top: Number, h_bottom: Number, shade: Number) -> None:
        """Fill a trapezium from ``top`` (half width h_top) to ``bottom`` (half width h_bottom)."""
        top, bottom = _lift(top), _lift(bottom)
        along = np.clip((self.v - top) / (bottom - top), 0, 1)
        half = _lift(h_top) + (_lift(h_bottom) - _lift(h_top)) * along
        across = np.abs(self.u - _lift(x)) - half
        self.paint(np.maximum(across, np.maximum(top - self.v, self.v - bottom)), shade)

    def stroke(self, x0: Number, y0: Number, x1: Number, y1: Number, width: Number, shade: Number) -> None:
        """Draw a straight line with round ends from (x0, y0) to (x1, y1)."""
        x0, y0, dx, dy = _lift(x0), _lift(y0), _lift(x1) - _lift(x0), _lift(y1) - _lift(y0)
        along = np.clip(((self.u - x0) * dx + (self.v - y0) * dy) / (dx**2 + dy**2), 0, 1)
        self.paint(np.hypot(self.u - x0 - along * dx, self.v - y0 - along * dy) - _lift(width) / 2, shade)

    def curve(self, x: Number, y: Number, half: Number, bend: Number, width: Number, shade: Number) -> None:
        """Draw a parabola y + bend (u - x)^2 over |u - x| < half."""
        across = self.u - _lift(x)
        off = np.abs(self.v - _lift(y) - _lift(bend) * (across**2 - _lift(half) ** 2 / 2)) - _lift(width) / 2
        self.paint(np.maximum(off, np.abs(across) - _lift(half)), shade)


def draw_face(canvas: Canvas, face: Mapping[str, float], play: np.ndarray) -> None:
    """Draw one person's face; ``play`` (n, 8) in -1 to 1 is expression and gaze, not identity."""
    smile, gaze, lift, lean = play[:, 0] * 0.25, play[:, 1] * 0.03, play[:, 2] * 0.03, play[:, 3] * 0.03
    width, height = face["head_width"], face["head_height"]
    canvas.ellipse(0, -0.08, width + 0.05 + face["hair_side"] * 0.5, height, DARK * 0.8)
    canvas.ellipse(0, 0.06 + 0.3 * (0.62 - face["hair_line"]), width, height * (0.75 + 0.2 * face["hair_line"]), LIGHT)
    for side in (-1, 1):
        x, y = side * face["eye_gap"], face["eye_level"]
        brow = y - face["brow_height"] - lift
        tilt = side * face["brow_tilt"]
        canvas.stroke(x - 0.13, brow - tilt / 2, x + 0.13, brow + tilt / 2, 0.07, DARK)
        canvas.ellipse(x + gaze, y, face["eye_size"] * 1.2, face["eye_size"], DARK)
    nose = face["eye_level"] + face["nose_length"]
    canvas.wedge(lean, face["eye_level"] + 0.06, nose, 0.02, face["nose_width"], -0.3)
    bend = -(face["mouth_curve"] + smile)
    canvas.curve(lean, face["mouth_level"], face["mouth_width"], bend, 0.09, DARK)


def _cup(c: Canvas, p: np.ndarray) -> None:
    rim = -0.45 + 0.2 * p[:, 0]
    c.ring(0.5, 0.1, 0.26 + 0.08 * p[:, 1], 0.28, 0.12, DARK)
    c.wedge(-0.1, rim, 0.7, 0.5 + 0.08 * p[:, 2], 0.42 + 0.1 * p[:, 3], LIGHT)
    c.ellipse(-0.1, rim, 0.5 + 0.08 * p[:, 2], 0.12, DARK)


def _jug(c: Canvas, p: np.ndarray) -> None:
    rim = -0.6 + 0.2 * p[:, 0]
    c.ring(0.46, 0.0, 0.24 + 0.08 * p[:, 1], 0.34, 0.12, DARK)
    c.ellipse(-0.08, 0.38, 0.5 + 0.06 * p[:, 2], 0.4, LIGHT)
    c.wedge(-0.08, rim, 0.4, 0.34 + 0.08 * p[:, 3], 0.4, LIGHT)
    c.ellipse(-0.08, rim, 0.34 + 0.08 * p[:, 3], 0.1, DARK)


def _lamp(c: Canvas, p: np.ndarray) -> None:
    c.stroke(0, -0.1, 0, 0.7, 0.12, DARK)
    c.ellipse(0, 0.78, 0.38 + 0.14 * p[:, 0], 0.12, DARK)
    c.wedge(0, -0.8, -0.02 + 0.16 * p[:, 1], 0.24 + 0.1 * p[:, 2], 0.64 + 0.1 * p[:, 3], LIGHT)


def _umbrella(c: Canvas, p: np.ndarray) -> None:
    c.stroke(0, -0.2, 0, 0.75, 0.1, DARK)
    c.curve(0.15, 0.78 + 0.04 * p[:, 0], 0.17, -3.0, 0.12, DARK)
    c.wedge(0, -0.8, -0.06 + 0.16 * p[:, 1], 0.16 + 0.1 * p[:, 2], 0.76 + 0.1 * p[:, 3], LIGHT)


def _mushroom(c: Canvas, p: np.ndarray) -> None:
    c.wedge(0, -0.1, 0.82, 0.16 + 0.05 * p[:, 0], 0.22 + 0.08 * p[:, 1], DARK)
    c.ellipse(0, -0.25 + 0.06 * p[:, 2], 0.66 + 0.1 * p[:, 3], 0.44, LIGHT)


def _tree(c: Canvas, p: np.ndarray) -> None:
    c.box(0, 0.6, 0.12 + 0.05 * p[:, 0], 0.3, DARK)
    c.ellipse(-0.24, -0.1 + 0.1 * p[:, 1], 0.42, 0.36 + 0.06 * p[:, 4], LIGHT)
    c.ellipse(0.24, -0.1 + 0.1 * p[:, 2], 0.42, 0.36 + 0.06 * p[:, 5], LIGHT)
    c.ellipse(0.1 * p[:, 6], -0.45 + 0.08 * p[:, 3], 0.4, 0.36, LIGHT)


def _chair(c: Canvas, p: np.ndarray) -> None:
    seat = 0.15 + 0.15 * p[:, 0]
    for x in (-0.46, 0.46):
        c.stroke(x, seat, x, 0.85, 0.13, DARK)
    c.box(-0.46, seat - 0.4 + 0.1 * p[:, 2], 0.1, 0.42, LIGHT)
    c.box(0, seat, 0.58 + 0.06 * p[:, 3], 0.11, LIGHT)


def _table(c: Canvas, p: np.ndarray) -> None:
    top = 0.0 + 0.2 * p[:, 0]
    for side in (-1, 1):
        c.stroke(side * 0.5, top, side * (0.54 + 0.1 * p[:, 1]), 0.85, 0.13, DARK)
    c.box(0, top, 0.72 + 0.1 * p[:, 2], 0.11 + 0.03 * p[:, 3], LIGHT)


def _house(c: Canvas, p: np.ndarray) -> None:
    c.wedge(0, -0.8 + 0.15 * p[:, 0], -0.05, 0.05, 0.82, DARK)
    c.box(0, 0.38, 0.62 + 0.1 * p[:, 1], 0.45, LIGHT)
    c.box(0.3 * p[:, 2], 0.58, 0.14, 0.25, DARK)


def _church(c: Canvas, p: np.ndarray) -> None:
    c.wedge(0.2, -0.25 + 0.1 * p[:, 0], 0.15, 0.1, 0.62, DARK)
    c.box(0.2, 0.47, 0.5 + 0.1 * p[:, 1], 0.36, LIGHT)
    c.box(-0.45, 0.25, 0.2 + 0.04 * p[:, 2], 0.58, LIGHT)
    c.wedge(-0.45, -0.85 + 0.15 * p[:, 3], -0.3, 0.02, 0.26, DARK)


def _key(c: Canvas, p: np.ndarray) -> None:
    c.stroke(0, -0.2, 0, 0.85, 0.14, LIGHT)
    for y in (0.5 + 0.1 * p[:, 0], 0.78):
        c.stroke(0, y, 0.28 + 0.1 * p[:, 1], y, 0.13, LIGHT)
    c.ring(0, -0.5, 0.32 + 0.08 * p[:, 2], 0.3, 0.18, DARK)


def _scissors(c: Canvas, p: np.ndarray) -> None:
    spread = 0.26 + 0.14 * p[:, 0]
    for side in (-1, 1):
        c.stroke(side * spread, 0.85, -side * 0.2, -0.3, 0.13, LIGHT)
        c.ring(-side * 0.3, -0.55, 0.22 + 0.05 * p[:, 1], 0.24, 0.13, DARK)


OBJECTS: dict[str, Callable[[Canvas, np.ndarray], None]] = {
    "cup": _cup, "jug": _jug, "lamp": _lamp, "umbrella": _umbrella, "mushroom": _mushroom, "tree": _tree,
    "chair": _chair, "table": _table, "house": _house, "church": _church, "key": _key, "scissors": _scissors,
}  # fmt: skip


def _lift(value: Number) -> np.ndarray:
    value = np.asarray(value, float)
    return value[:, None, None] if value.ndim == 1 else value
