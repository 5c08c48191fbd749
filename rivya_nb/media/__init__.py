"""Video and audio files: which format they have, whether they are whole, how long they are, and their posters."""
