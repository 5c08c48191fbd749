"""Checks a store: whether its rows agree with each other, and its files with its rows."""
