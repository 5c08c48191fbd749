"""A notebook workbench for image generation with the Rivya API."""
