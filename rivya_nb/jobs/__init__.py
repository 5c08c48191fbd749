"""The way from a prompt and its axes to pictures: plan, jobs, the runner, and the loop they run on."""
