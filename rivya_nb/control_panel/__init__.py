"""The control panel: the second face of the session, for those who would rather turn knobs than write a line."""
