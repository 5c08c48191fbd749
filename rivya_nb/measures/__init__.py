"""How different pictures look, in numbers: what a study of seeds and params can be measured by."""
