"""What can go wrong, in words, and how a long job reports and stops.

The family::

    FusionError
      ReadError (OSError)          not a volume, unreadable, a needed tag is missing
      WriteError (OSError)         the file could not be written or did not read back the same
      GeometryError (ValueError)   grids differ, shear, uneven or missing slices
      AlignError (RuntimeError)    no overlap, optimiser did not move or diverged
      ParameterError (ValueError)  unknown method or parameter, value out of range
      QuantityError (ValueError)   the number asked for cannot be computed honestly
      CheckpointError (ValueError) missing, corrupt, wrong hash or wrong configuration
      MissingExtra (ImportError)   names the pip extra to install
      Cancelled                    the caller asked to stop

A message is one plain sentence: what was found, what was expected, what to do. It never carries a
patient's identity.
"""

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Called with the fraction done (0 to 1) and a few words; raises `Cancelled` to stop the job."""


class FusionError(Exception):
    """Base of every error this package raises on purpose."""


class ReadError(FusionError, OSError):
    """The path holds no volume that can be read faithfully."""


class WriteError(FusionError, OSError):
    """The file could not be written, or did not read back as it was written."""


class GeometryError(FusionError, ValueError):
    """Grids differ, or voxels do not lie on a rectangular grid."""


class AlignError(FusionError, RuntimeError):
    """Registration found no trustworthy answer."""


class ParameterError(FusionError, ValueError):
    """A name or value is not one of those allowed."""


class QuantityError(FusionError, ValueError):
    """The number asked for cannot be computed honestly."""


class CheckpointError(FusionError, ValueError):
    """A network's file is missing, corrupt or not the one expected."""


class MissingExtra(FusionError, ImportError):  # noqa: N818 - the name is promised
    """An optional dependency is not installed; the message names the extra."""


class Cancelled(FusionError):  # noqa: N818 - an answer, not a fault
    """The caller asked a long job to stop."""


def expect(kind: type, **values: object) -> None:
    """Refuse arguments that are not of a kind, by name.

    Raises
    ------
    ParameterError
        The first that is not.
    """
    for name, value in values.items():
        if not isinstance(value, kind):
            raise ParameterError(f"{name} is {type(value).__name__}, not {kind.__name__}")


def silent(fraction: float, message: str) -> None:
    """Report progress to nobody: the default `Progress`."""


def between(progress: Progress | None, start: float, stop: float) -> Progress:
    """Give one part of a job its share, `start` to `stop`, of the whole job's progress."""
    whole = progress or silent

    def part(fraction: float, message: str) -> None:
        whole(start + (stop - start) * fraction, message)

    return part
