"""What the lesion network is to read of a mammogram that it reads otherwise."""

from __future__ import annotations

import dataclasses
from typing import Any, Self

from monai_mammo.attributes import HEADS
from monai_mammo.bundle import BundleFolder
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError

__all__ = ["ReadingTarget"]

_LEFT_OUT = ("view",)
_OF_BREAST = ("density",)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReadingTarget:
    """An attribute that the examiners read, and the value that it is to have.

    Parameters
    ----------
    name : str
        One of `monai_mammo.attributes.HEADS`, except the view.
    value : object
        Of its vocabulary.
    """

    name: str
    value: Any

    @classmethod
    def parse(cls, text: str) -> Self:
        """Target from words.

        Parameters
        ----------
        text : str
            ``NAME=VALUE``, such as ``birads=2``, ``finding=none`` or ``density=B``.

        Returns
        -------
        ReadingTarget

        Raises
        ------
        RequestError
            It is not of this form, or names no attribute that is read, or no value of it.
        """
        name, sign, value = (part.strip() for part in str(text).partition("="))
        allowed = ", ".join(head for head in HEADS if head not in _LEFT_OUT)
        if not sign or not value:
            raise RequestError(f"set {str(text)[:40]!r} is not NAME=VALUE with a name of {allowed}")
        if name not in HEADS or name in _LEFT_OUT:
            raise RequestError(f"set {name[:40]!r} is not one of {allowed}")
        parsed = getattr(Conditions.from_dict({name: int(value) if value.isdecimal() else value}), name)
        return cls(name=name, value=parsed)

    @property
    def words(self) -> str:
        """Such as ``birads 2``."""
        return f"{self.name} {self.value}"

    @property
    def is_of_lesion(self) -> bool:
        """Whether it is said of a lesion, and not of the whole breast."""
        return self.name not in _OF_BREAST

    @property
    def place(self) -> int:
        """Position of the value among the classes of the head."""
        return HEADS[self.name].values.index(self.value)

    def refuse_unread(self, home: BundleFolder) -> None:
        """Raise where the lesion network or the judge of a bundle is not shown to read the attribute.

        Parameters
        ----------
        home : BundleFolder

        Raises
        ------
        RequestError
        """
        for who, unread in (("lesion network", home.unread_heads), ("judge", home.unread_heads_of_judge)):
            if self.name in unread:
                raise RequestError(
                    f"{self.name} cannot be asked: the {who} of bundle {home.name} is not shown to read it better than "
                    "by naming the most frequent value"
                )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values.

        Returns
        -------
        dict
        """
        return {"name": self.name, "value": Conditions(**{self.name: self.value}).to_dict()[self.name]}
