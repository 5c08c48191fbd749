"""Widgets for looking at pictures closely; each JavaScript file stands beside its Python file."""
