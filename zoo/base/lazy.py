"""Packages whose modules are imported when they are first named. Imports nothing of the zoo."""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable
from typing import Any


def lazy(
    package: str, path: Iterable[str], names: dict[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package, so that `import zoo` is enough for `zoo.metrics.speech`.

    Args:
        package: The package's name.
        path: The package's `__path__`: folders of its modules.
        names: Other public names: {name: "module" or "module:attribute"}.

    Returns:
        Two functions, to be assigned to `__getattr__` and `__dir__` in the package's `__init__.py`.

    Example:
        >>> import zoo.audio
        >>> getattr_, dir_ = lazy("zoo.audio", zoo.audio.__path__, {"read": "zoo.audio.io:read"})
        >>> getattr_("read").__name__, "dsp" in dir_()
        ('read', True)
    """
    elsewhere = names or {}

    def modules() -> set[str]:
        return {module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_")}

    def attribute(name: str) -> Any:
        if name in elsewhere:
            return pkgutil.resolve_name(elsewhere[name])
        if not name.startswith("_") and name in modules():
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def directory() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules(), *elsewhere})

    return attribute, directory
