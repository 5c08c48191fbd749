"""The wire: every byte between this machine and the service passes here, and nothing above knows httpx."""
