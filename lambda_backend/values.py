"""Classes of values, as ``dataclass(frozen=True, kw_only=True)`` makes them, and made in a tenth of its time.

``dataclasses`` writes the text of six methods for each class and compiles them, every time that a module is imported:
half a millisecond each, and two fifths of all that a build has to import. Here the methods are the same for all
classes. Fields are those of ``dataclasses``, so that ``fields``, ``replace`` and ``asdict`` take such values.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:  # noqa: ANN401 - whatever it is given
        """For type checkers alone."""
        return lambda cls: cls


__all__ = ["Value"]

_with_fields = dataclasses.dataclass(init=False, repr=False, eq=False, match_args=False)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field,))
class Value:
    """Base of classes whose instances are made by keywords, compare by their fields and do not change."""

    __dataclass_fields__: dict[str, dataclasses.Field[Any]]

    def __init_subclass__(cls) -> None:
        """Find the fields."""
        _with_fields(cls)

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - the fields' own types
        """One keyword a field.

        Raises:
            TypeError: one is missing, or is none.
        """
        of = self.__dict__
        of.update(values)
        fields = self.__dataclass_fields__
        if len(values) != len(fields) or not values.keys() <= fields.keys():
            self._complete(values)

    def _complete(self, values: dict[str, Any]) -> None:
        unknown = [name for name in values if name not in self.__dataclass_fields__]
        missing = []
        for name, field in self.__dataclass_fields__.items():
            if name in values:
                continue
            if field.default is not dataclasses.MISSING:
                self.__dict__[name] = field.default
            elif field.default_factory is not dataclasses.MISSING:
                self.__dict__[name] = field.default_factory()
            else:
                missing.append(name)
        if unknown or missing:
            wrong = [*(f"unexpected {name!r}" for name in unknown), *(f"missing {name!r}" for name in missing)]
            raise TypeError(f"{type(self).__qualname__}(): {', '.join(wrong)}")

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse.

        Raises:
            FrozenInstanceError: always.
        """
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        """Refuse.

        Raises:
            FrozenInstanceError: always.
        """
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        """Of one class, and all fields are equal."""
        if other.__class__ is not self.__class__:
            return NotImplemented
        names = [name for name, field in self.__dataclass_fields__.items() if field.compare]
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def __hash__(self) -> int:
        """Of the fields that count for it."""
        fields = self.__dataclass_fields__.items()
        counts = [name for name, field in fields if (field.compare if field.hash is None else field.hash)]
        return hash(tuple(getattr(self, name) for name in counts))

    def __repr__(self) -> str:
        """As ``dataclasses`` has it."""
        shown = (name for name, field in self.__dataclass_fields__.items() if field.repr)
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"
