"""Tests that look at notebooks the way a researcher does: in JupyterLab, in a browser."""
