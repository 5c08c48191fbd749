"""What a user holds: jobs, runs, plans, grids and the history."""
