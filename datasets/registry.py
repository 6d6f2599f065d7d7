"""A small registry, used for methods, datasets, backbones and prompt sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from datasets.errors import UnknownName

T = TypeVar("T")

OF_YOUR_OWN = "one of your own needs --plugins FILE"
"""Advice for a name that does not resemble any known one."""


class Registry(Generic[T]):
    """Maps names to plugins of one kind.

    A plugin registers itself with the decorator that `register` returns. Modules with plugins import no heavy library
    at module level, so that listing the plugins stays quick.

    check: called when a plugin registers itself; raises an error if the plugin cannot work.
    """

    def __init__(self, kind: str, check: Callable[[str, T], None] | None = None) -> None:
        self.kind = kind
        self._check = check
        self._plugins: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that registers a plugin under `name`; raises ValueError if the name is taken."""

        def add(plugin: T) -> T:
            if name in self._plugins and self._plugins[name] is not plugin:
                raise ValueError(f"{self.kind} '{name}' is registered twice")
            if self._check is not None:
                self._check(name, plugin)
            self._plugins[name] = plugin
            return plugin

        return add

    def __getitem__(self, name: str) -> T:
        """The plugin of that name; raises `UnknownName` with the nearest names."""
        if name not in self._plugins:
            raise UnknownName(self.kind, name, self._plugins, OF_YOUR_OWN)
        return self._plugins[name]

    def __contains__(self, name: str) -> bool:
        return name in self._plugins

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._plugins))
