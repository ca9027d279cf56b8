"""Classes of values, as ``dataclass(frozen=True, kw_only=True)`` makes them, and made in a fraction of its time.

``dataclasses`` writes the text of six methods for each class and compiles them, every time that a module is imported:
half a millisecond each, and two fifths of all that a build has to import. Its own import takes nine, most of it for
``inspect``. Here the methods are the same for all classes, and ``dataclasses`` is imported when its functions are
given such values, which are dataclasses to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:  # noqa: ANN401 - whatever it is given
        """For type checkers alone."""
        return lambda cls: cls


__all__ = ["MISSING", "Field", "Value", "as_dict", "field", "fields", "replace"]

MISSING: Any = object()
"""No default."""
_V = TypeVar("_V", bound="Value")


class Field:
    """What is known of a field besides its name; see ``dataclasses.field``."""

    __slots__ = ("compare", "default", "default_factory", "hash", "repr")

    def __init__(
        self,
        default: object = MISSING,
        default_factory: Callable[[], object] = MISSING,
        *,
        repr: bool = True,  # noqa: A002 - the names of dataclasses
        compare: bool = True,
        hash: bool | None = None,  # noqa: A002 - the same
    ) -> None:
        self.default: Any = default
        self.default_factory: Any = default_factory
        self.repr = repr
        self.compare = compare
        self.hash = compare if hash is None else hash


def field(
    *,
    default: Any = MISSING,  # noqa: ANN401 - the field's
    default_factory: Callable[[], Any] = MISSING,
    repr: bool = True,  # noqa: A002 - the names of dataclasses
    compare: bool = True,
    hash: bool | None = None,  # noqa: A002 - the same
) -> Any:  # noqa: ANN401 - it stands for the default
    """A field that is not as others; see ``dataclasses.field``."""
    return Field(default, default_factory, repr=repr, compare=compare, hash=hash)


class _ForDataclasses:
    """What the functions of ``dataclasses`` look at, made when they do."""

    def __get__(self, _: object, cls: type[Value]) -> Mapping[str, Any]:
        import dataclasses

        made = []
        for name, known in cls.__value_fields__.items():
            more = {
                key: value
                for key, value in (("default", known.default), ("default_factory", known.default_factory))
                if value is not MISSING
            }
            described = dataclasses.field(**more, repr=known.repr, compare=known.compare, hash=known.hash)
            made.append((name, Any, described))
        found = dataclasses.make_dataclass(cls.__name__, made, kw_only=True)
        cls.__dataclass_fields__ = getattr(found, "__dataclass_fields__")  # noqa: B009 - unknown to type checkers
        return cast("Mapping[str, Any]", cls.__dataclass_fields__)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Value:
    """Base of classes whose instances are made by keywords, compare by their fields and do not change."""

    __value_fields__: dict[str, Field] = {}  # noqa: RUF012 - each class has its own
    __dataclass_fields__ = _ForDataclasses()

    def __init_subclass__(cls) -> None:
        """Find the fields.

        Raises:
            TypeError: one is a field of ``dataclasses``.
        """
        found = {}
        for base in reversed(cls.__mro__[1:]):
            found.update(base.__dict__.get("__value_fields__", {}))
        for name in cls.__annotations__:
            given = cls.__dict__.get(name, MISSING)
            if hasattr(given, "default_factory") and not isinstance(given, Field):
                raise TypeError(f"{cls.__qualname__}.{name} is a field of dataclasses, not of {__name__}")
            found[name] = given if isinstance(given, Field) else Field(given)
            if isinstance(given, Field):
                # As in dataclasses, the class has its fields' defaults.
                if given.default is MISSING:
                    delattr(cls, name)
                else:
                    setattr(cls, name, given.default)
        cls.__value_fields__ = found
        cls.__dataclass_fields__ = _ForDataclasses()

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - the fields' own types
        """One keyword a field.

        Raises:
            TypeError: one is missing, or is none.
        """
        of = self.__dict__
        of.update(values)
        known = self.__value_fields__
        if len(values) != len(known) or not values.keys() <= known.keys():
            self._complete(values)

    def _complete(self, values: dict[str, Any]) -> None:
        unknown = [name for name in values if name not in self.__value_fields__]
        missing = []
        for name, known in self.__value_fields__.items():
            if name in values:
                continue
            if known.default is not MISSING:
                self.__dict__[name] = known.default
            elif known.default_factory is not MISSING:
                self.__dict__[name] = known.default_factory()
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
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        """Refuse.

        Raises:
            FrozenInstanceError: always.
        """
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        """Of one class, and all fields are equal."""
        if other.__class__ is not self.__class__:
            return NotImplemented
        names = [name for name, known in self.__value_fields__.items() if known.compare]
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def __hash__(self) -> int:
        """Of the fields that count for it."""
        return hash(tuple(getattr(self, name) for name, known in self.__value_fields__.items() if known.hash))

    def __repr__(self) -> str:
        """As ``dataclasses`` has it."""
        shown = (name for name, known in self.__value_fields__.items() if known.repr)
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def fields(of: Value | type[Value]) -> Mapping[str, Field]:
    """The fields of a value or of a class of values, by their names."""
    return of.__value_fields__


def replace(value: _V, **changes: Any) -> _V:  # noqa: ANN401 - the fields' own types
    """The same value with other fields."""
    return type(value)(**{**{name: getattr(value, name) for name in value.__value_fields__}, **changes})


def as_dict(value: Value) -> dict[str, Any]:
    """A value's fields by their names, with values in them the same, in lists, tuples and dicts too."""
    return {name: _plain(getattr(value, name)) for name in value.__value_fields__}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any field's value
    if isinstance(value, Value):
        return as_dict(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_plain, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return value
