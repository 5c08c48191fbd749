"""Numbers for how different pictures look, to study the effect of seeds and params."""
