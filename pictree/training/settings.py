"""What training reads from its settings, whoever made them."""

from __future__ import annotations

from typing import Protocol


class Settings(Protocol):
    """The attributes of a recipe's training section, `pictree.recipes.recipe.Training`.

    Any dataclass that has them will do, so training needs to know no recipe.
    """

    @property
    def loss(self) -> str:
        """Name of the loss: "bce" or "mse"."""

    @property
    def optimizer(self) -> str:
        """Name of the optimiser: "adam", "adamw", "adadelta" or "closed-form"."""

    @property
    def learning_rate(self) -> float:
        """Step size, above 0."""

    @property
    def rho(self) -> float:
        """Decay of Adadelta's averages, in [0, 1)."""

    @property
    def eps(self) -> float:
        """Small constant of the optimiser, above 0."""

    @property
    def epochs(self) -> int:
        """Passes over the training images, at least 1."""

    @property
    def batch_size(self) -> int:
        """Images in a batch, at least 1."""

    @property
    def change(self) -> float:
        """Greatest strength of the random changes of the images; 0 for none."""
