"""The wire: all network traffic with the service goes through this room, and only this room uses httpx."""
