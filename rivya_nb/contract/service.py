"""The names of services."""

SANDBOX = "sandbox"
"""The name of the embedded service, whatever its port."""
