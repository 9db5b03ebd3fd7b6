"""One dict of fusion methods; a method's signature is its schema, checked and read once.

A method is a function ``(k, n, h, w) -> (k, n, h, w)``: sources in [0, 1] in, *parts* out, what
each source gives to the picture. The fused slab is ``parts.sum(0)`` clipped to [0, 1].
"""

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from napari_fusion.checked import meant
from napari_fusion.errors import ParameterError
from napari_fusion.fusion.rules import emptied
from napari_fusion.slab import Stack
from napari_fusion.volume import JSON

Kind = Literal["int", "float", "choice"]

_METHODS: dict[str, "Method"] = {}

# One large block freed makes glibc keep freed memory up to that size instead of handing every
# slice back to the system: a pyramid is four times faster without those page faults.
np.empty(31 << 20, np.uint8)


@dataclass(frozen=True)
class Parameter:
    """One keyword of a method, as its signature declares it.

    Parameters
    ----------
    name
        The keyword.
    kind
        "int", "float" or "choice".
    default
        The value when none is given.
    minimum, maximum
        Range of a number, both ends allowed; None where there is no limit.
    choices
        The words allowed for a choice.
    suffix
        How the name of a file ends that a choice may be as well; empty where none may.
    help
        One sentence from the method's docstring.
    """

    name: str
    kind: Kind
    default: int | float | str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    suffix: str = ""
    help: str = ""

    @property
    def type(self) -> type:
        """The Python type of a value."""
        return {"int": int, "float": float, "choice": str}[self.kind]

    def check(self, value: object) -> int | float | str:
        """Return the value in its own type, or say what is wrong with it.

        Raises
        ------
        ParameterError
            Wrong type, out of range, or not one of the choices.
        """
        if self.kind == "choice":
            return self._word(value)
        number = self._number(value)
        low, high = self.minimum, self.maximum
        if (low is not None and number < low) or (high is not None and number > high):
            raise ParameterError(f"{self.name} runs from {_range(low, high)}, not {value!r}")
        return number

    def _word(self, value: object) -> str:
        word = str(value)  # of a path, or of a number: 8 is the choice "8"
        if word in self.choices or (self.suffix and word.endswith(self.suffix)):
            return word
        known = ", ".join(self.choices) + (f", or a {self.suffix} file" if self.suffix else "")
        raise ParameterError(
            f"{self.name} is one of {known}, not {value!r}{meant(word, self.choices)}"
        )

    def _number(self, value: object) -> int | float:
        if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
            raise ParameterError(f"{self.name} is a number, not {value!r}")
        number = float(value)
        if not np.isfinite(number):
            raise ParameterError(f"{self.name} is a finite number, not {value!r}")
        if self.kind == "float":
            return number
        if not number.is_integer():
            raise ParameterError(f"{self.name} is a whole number, not {value!r}")
        return int(number)


@dataclass(frozen=True)
class Method:
    """A registered fusion method; call it as ``method(stack, **params)``.

    Parameters
    ----------
    name, title
        The word used in code and files, and the words shown to people.
    cite
        Where the method comes from.
    doc
        The function's docstring.
    parameters
        Its keywords, in the order of the signature.
    function
        The function itself, ``(k, n, h, w) -> (k, n, h, w)``.
    caution
        What the method can hide from a reader, in one sentence; it goes into the history of
        every picture it makes. Empty where a small lesion of one source keeps half its contrast and
        a large even one a third.
    doubt
        Given the keywords, what to know about a picture made with them here, in one sentence.
    """

    name: str
    title: str
    cite: str
    doc: str
    parameters: tuple[Parameter, ...]
    function: Callable[..., Stack]
    caution: str = ""
    doubt: Callable[..., str] | None = None

    @property
    def warning(self) -> str:
        """The caution as a line of its own, for a reader; empty where there is none."""
        return f"▲ {self.caution[:1].upper()}{self.caution[1:]}." if self.caution else ""

    def resolve(self, params: Mapping[str, object]) -> dict[str, JSON]:
        """Fill in defaults and check every value; the result is JSON.

        Raises
        ------
        ParameterError
            An unknown name (the nearest one is suggested) or a value that is not allowed.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in params:
            if name not in known:
                have = ", ".join(known) or "none"
                raise ParameterError(
                    f"method {self.name!r} has no parameter {name!r}"
                    f"{meant(name, known)}; its parameters: {have}"
                )
        return {name: p.check(params.get(name, p.default)) for name, p in known.items()}

    def digests(self, params: Mapping[str, JSON]) -> dict[str, JSON]:
        """Give the SHA-256 of every file among checked parameters, by the parameter's name.

        Raises
        ------
        ParameterError
            A file cannot be read.
        """
        return {
            one.name: _digest(one.name, Path(str(params[one.name])))
            for one in self.parameters
            if one.suffix and params[one.name] not in one.choices
        }

    def doubts(self, params: Mapping[str, JSON]) -> list[str]:
        """Say what to know about a picture made here with checked parameters."""
        told = (self.caution, self.doubt(**params) if self.doubt else "")
        return [sentence for sentence in told if sentence]

    def __call__(self, stack: Stack, **params: object) -> Stack:
        """Give the parts (k, n, h, w) of a stack (k, n, h, w) of sources, float32 in [0, 1].

        Where every source is empty (zero) every part is exactly zero, whatever the method's
        filters spread there: nothing can appear in the picture that is in no source.

        Raises
        ------
        ParameterError
            The stack is not float32 (k, n, h, w), or a parameter is wrong.
        """
        if stack.ndim != 4 or stack.dtype != np.float32 or len(stack) == 0:
            raise ParameterError(
                "a method needs a float32 stack of shape (sources, slices, rows, columns), "
                f"this one is {stack.dtype} {stack.shape}"
            )
        keywords = self.resolve(params)
        if len(stack) == 1:
            return stack.copy()  # one source is its own fusion
        return emptied(self.function(stack, **keywords), stack)


def method(
    name: str,
    *,
    title: str,
    cite: str,
    caution: str = "",
    doubt: Callable[..., str] | None = None,
) -> Callable[[Callable[..., Stack]], Method]:
    """Register a function ``(k, n, h, w) -> (k, n, h, w)`` as a fusion method.

    Keywords carry their range in the annotation: ``levels: Annotated[int, {"min": 1, "max": 8}]``;
    a closed set of words is a ``Literal``, or ``Annotated[str, {"choices": …, "suffix": …}]`` where
    a file will do as well. Form, flags, checks and provenance follow from it. `caution` is what to
    know about every picture of the method; `doubt`, given its keywords, about this one.

    Raises
    ------
    ParameterError
        The name is taken.
    """

    def register(function: Callable[..., Stack]) -> Method:
        if name in _METHODS:
            raise ParameterError(f"there is already a method called {name!r}")
        doc = inspect.getdoc(function) or ""
        hints = get_type_hints(function, include_extras=True)
        keywords = [
            _parameter(p, hints[p.name], doc)
            for p in inspect.signature(function).parameters.values()
            if p.kind is p.KEYWORD_ONLY
        ]
        _METHODS[name] = Method(name, title, cite, doc, tuple(keywords), function, caution, doubt)
        return _METHODS[name]

    return register


def lookup(name: str) -> Method:
    """Find a method by name.

    Raises
    ------
    ParameterError
        There is no such method; the nearest name is suggested.
    """
    if name.endswith(".safetensors"):
        raise ParameterError(
            f"{Path(name).name} is a network, and no method: give it as the parameter network of "
            "the method cnn (--method cnn --param network=FILE)"
        )
    if name not in _METHODS:
        raise ParameterError(
            f"there is no fusion method {name!r}{meant(name, _METHODS)}; "
            f"there are: {', '.join(sorted(_METHODS))}"
        )
    return _METHODS[name]


def methods() -> tuple[Method, ...]:
    """Give every registered method, by name."""
    return tuple(_METHODS[name] for name in sorted(_METHODS))


def _parameter(keyword: inspect.Parameter, hint: Any, doc: str) -> Parameter:
    extras: Mapping[str, Any] = MappingProxyType({})
    if get_origin(hint) is Annotated:
        hint, extras = get_args(hint)
    choices = get_args(hint) if get_origin(hint) is Literal else extras.get("choices", ())
    kinds: dict[Any, Kind] = {int: "int", float: "float"}
    return Parameter(
        name=keyword.name,
        kind="choice" if choices else kinds[hint],
        default=keyword.default,
        minimum=extras.get("min"),
        maximum=extras.get("max"),
        choices=choices,
        suffix=extras.get("suffix", ""),
        help=_help(keyword.name, doc),
    )


def _help(name: str, doc: str) -> str:
    """Find the lines a numpy docstring gives to one parameter."""
    found = re.search(rf"^{name}\n((?:    .*\n?)+)", doc, re.MULTILINE)
    return " ".join(found.group(1).split()) if found else ""


def _digest(name: str, path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ParameterError(f"{name}: {path.name} cannot be read ({error.strerror})") from error


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"{low:g} up"
    return f"{low:g} to {high:g}" if low is not None else f"anything to {high:g}"
