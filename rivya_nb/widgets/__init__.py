"""Widgets that look closely at pictures; each piece of JavaScript stands beside its Python."""
