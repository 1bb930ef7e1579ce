"""One BLAS thread at a time, so that queries can be shared out between threads."""

import threading
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["OneBlasThread"]


@cache
def _blas() -> ThreadpoolController:
    """Return the BLAS libraries in this process: looking for them takes a millisecond."""
    return ThreadpoolController().select(user_api="blas")


class OneBlasThread:
    """Context in which BLAS uses one thread; entering tells how many it used before.

    The setting belongs to the process: where threads enter and leave in any order, the first one in changes it and
    the last one out restores it.
    """

    _lock = threading.Lock()
    _inside = 0
    _before = 1
    _limits: Any = None

    def __enter__(self) -> int:
        cls = type(self)
        with cls._lock:
            if cls._inside == 0:
                cls._before = max((library.num_threads for library in _blas().lib_controllers), default=1)
                cls._limits = _blas().limit(limits=1)
            cls._inside += 1
            return cls._before

    def __exit__(self, *_: object) -> None:
        cls = type(self)
        with cls._lock:
            cls._inside -= 1
            if cls._inside == 0:
                cls._limits.restore_original_limits()
