"""A notebook workbench for image generation with the Rivya API.

```python
%load_ext rivya_nb          # in a notebook, for the %%rivya cell magic
import rivya_nb as rv       # the same from Python
```

Every public name is imported when it is first used, so that loading the extension costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from rivya_nb._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from rivya_nb.api.client import RivyaClient
    from rivya_nb.calls import connect, generate, history, plan, recall, resume, runs, undo
    from rivya_nb.contract.request import Request
    from rivya_nb.control_panel.opening import panel
    from rivya_nb.control_panel.panel import Panel
    from rivya_nb.errors import (
        ApiError,
        ApiKeyExpiredError,
        ApiKeyInvalidError,
        ApiKeyMissingError,
        ApiKeyRevokedError,
        ApiScopeDeniedError,
        CreditLimitError,
        GenerationFailedError,
        IdempotencyConflictError,
        InsufficientCreditsError,
        InvalidRequestError,
        KeyringError,
        NotConnectedError,
        NotDeliveredError,
        NotFoundError,
        PictureError,
        PublicApiDisabledError,
        RateLimitedError,
        RivyaError,
        RunFailedError,
        StoreError,
        TransportError,
        UnexpectedResponseError,
        UsageError,
        ValidationFailedError,
        WaitInterruptedError,
    )
    from rivya_nb.session.grid import Grid
    from rivya_nb.session.history import History, Selection
    from rivya_nb.session.job import Job
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session

_HOMES = {
    "rivya_nb.api.client": ("RivyaClient",),
    "rivya_nb.calls": ("connect", "generate", "history", "plan", "recall", "resume", "runs", "undo"),
    "rivya_nb.control_panel.opening": ("panel",),
    "rivya_nb.control_panel.panel": ("Panel",),
    "rivya_nb.contract.request": ("Request",),
    "rivya_nb.errors": (
        "ApiError",
        "ApiKeyExpiredError",
        "ApiKeyInvalidError",
        "ApiKeyMissingError",
        "ApiKeyRevokedError",
        "ApiScopeDeniedError",
        "CreditLimitError",
        "GenerationFailedError",
        "IdempotencyConflictError",
        "InsufficientCreditsError",
        "InvalidRequestError",
        "KeyringError",
        "NotConnectedError",
        "NotDeliveredError",
        "NotFoundError",
        "PictureError",
        "PublicApiDisabledError",
        "RateLimitedError",
        "RivyaError",
        "RunFailedError",
        "StoreError",
        "TransportError",
        "UnexpectedResponseError",
        "UsageError",
        "ValidationFailedError",
        "WaitInterruptedError",
    ),
    "rivya_nb.session.grid": ("Grid",),
    "rivya_nb.session.history": ("History", "Selection"),
    "rivya_nb.session.job": ("Job",),
    "rivya_nb.session.plan": ("Plan",),
    "rivya_nb.session.run": ("Run",),
    "rivya_nb.session.session": ("Session",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ApiError",
    "ApiKeyExpiredError",
    "ApiKeyInvalidError",
    "ApiKeyMissingError",
    "ApiKeyRevokedError",
    "ApiScopeDeniedError",
    "CreditLimitError",
    "GenerationFailedError",
    "Grid",
    "History",
    "IdempotencyConflictError",
    "InsufficientCreditsError",
    "InvalidRequestError",
    "Job",
    "KeyringError",
    "NotConnectedError",
    "NotDeliveredError",
    "NotFoundError",
    "Panel",
    "PictureError",
    "Plan",
    "PublicApiDisabledError",
    "RateLimitedError",
    "Request",
    "RivyaClient",
    "RivyaError",
    "Run",
    "RunFailedError",
    "Selection",
    "Session",
    "StoreError",
    "TransportError",
    "UnexpectedResponseError",
    "UsageError",
    "ValidationFailedError",
    "WaitInterruptedError",
    "__version__",
    "connect",
    "generate",
    "history",
    "load_ipython_extension",
    "panel",
    "plan",
    "recall",
    "resume",
    "runs",
    "undo",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> object:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext rivya_nb` does: register the magics."""
    from rivya_nb.magics.magic import register

    register(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """What `%unload_ext rivya_nb` does: take the magics away again."""
    from rivya_nb.magics.magic import unregister

    unregister(shell)
