"""The store: runs, jobs and their pictures, in one folder that several kernels may use at the same time."""
