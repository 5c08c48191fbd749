"""The sandbox: the documented API on this machine, with drawn pictures.

Importing this module is cheap: the server's packages (the extra `sandbox`) are imported by the server
process, never by the client's.
"""

from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.sandbox.process import Lease, join

__all__ = ["DEFAULT_KEY", "Lease", "join"]
