"""Moves a whole store to another place: between folders and servers."""
