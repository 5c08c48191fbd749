"""What runs, grids and histories look like in a notebook, in a terminal and in files."""
