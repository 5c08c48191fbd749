"""Fixtures that any test may take."""

from kernels import kernel, kernel_newest, start_kernel

__all__ = ["kernel", "kernel_newest", "start_kernel"]
