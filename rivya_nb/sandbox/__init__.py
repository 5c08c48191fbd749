"""The embedded Rivya: the documented contract on this machine, with drawn pictures.

What this module names is cheap to import: the server's own dependencies (the extra `sandbox`) are loaded by
the process that serves, never by the one that asks.
"""

from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.sandbox.process import Lease, join

__all__ = ["DEFAULT_KEY", "Lease", "join"]
