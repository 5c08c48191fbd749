# The public names: each is imported from its module when it is first used. `X as X` is what type checkers take for
# a name that a stub passes on.

from ._version import __version__ as __version__
from .api.client import RivyaClient as RivyaClient
from .calls import (
    drift as drift,
)
from .calls import (
    generate as generate,
)
from .calls import (
    history as history,
)
from .calls import (
    import_bundle as import_bundle,
)
from .calls import (
    import_votes as import_votes,
)
from .calls import (
    models as models,
)
from .calls import (
    plan as plan,
)
from .calls import (
    read_plan as read_plan,
)
from .calls import (
    recall as recall,
)
from .calls import (
    resume as resume,
)
from .calls import (
    retry as retry,
)
from .calls import (
    runs as runs,
)
from .calls import (
    undo as undo,
)
from .contract.request import Request as Request
from .control_panel.opening import panel as panel
from .control_panel.panel import Panel as Panel
from .current import connect as connect
from .errors import (
    ApiError as ApiError,
)
from .errors import (
    ApiKeyExpiredError as ApiKeyExpiredError,
)
from .errors import (
    ApiKeyInvalidError as ApiKeyInvalidError,
)
from .errors import (
    ApiKeyMissingError as ApiKeyMissingError,
)
from .errors import (
    ApiKeyRevokedError as ApiKeyRevokedError,
)
from .errors import (
    ApiScopeDeniedError as ApiScopeDeniedError,
)
from .errors import (
    CreditLimitError as CreditLimitError,
)
from .errors import (
    GenerationFailedError as GenerationFailedError,
)
from .errors import (
    IdempotencyConflictError as IdempotencyConflictError,
)
from .errors import (
    InsufficientCreditsError as InsufficientCreditsError,
)
from .errors import (
    InvalidRequestError as InvalidRequestError,
)
from .errors import (
    KeyringError as KeyringError,
)
from .errors import (
    NotConnectedError as NotConnectedError,
)
from .errors import (
    NotDeliveredError as NotDeliveredError,
)
from .errors import (
    NotFoundError as NotFoundError,
)
from .errors import (
    PictureError as PictureError,
)
from .errors import (
    PublicApiDisabledError as PublicApiDisabledError,
)
from .errors import (
    RateLimitedError as RateLimitedError,
)
from .errors import (
    RivyaError as RivyaError,
)
from .errors import (
    RunFailedError as RunFailedError,
)
from .errors import (
    StoreError as StoreError,
)
from .errors import (
    TransportError as TransportError,
)
from .errors import (
    UnexpectedResponseError as UnexpectedResponseError,
)
from .errors import (
    UsageError as UsageError,
)
from .errors import (
    ValidationFailedError as ValidationFailedError,
)
from .errors import (
    WaitInterruptedError as WaitInterruptedError,
)
from .magics.magic import (
    load_ipython_extension as load_ipython_extension,
)
from .magics.magic import (
    unload_ipython_extension as unload_ipython_extension,
)
from .measures.learned import (
    clip_score as clip_score,
)
from .measures.learned import (
    iqa as iqa,
)
from .measures.registry import measure as measure
from .session.grid import Grid as Grid
from .session.history import (
    History as History,
)
from .session.history import (
    Selection as Selection,
)
from .session.job import Job as Job
from .session.media import Media as Media
from .session.plan import Plan as Plan
from .session.ranking import Ranking as Ranking
from .session.run import Run as Run
from .session.session import Session as Session
from .session.showing.drift import Drift as Drift
