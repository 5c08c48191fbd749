"""Jobs: the runner with its uploads, polls and downloads, the loop they run on, and references and recall."""
