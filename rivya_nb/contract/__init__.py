"""What the service allows: pure data and pure functions, without a wire, a disk or a clock."""
