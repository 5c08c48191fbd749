"""What the service allows: data and pure functions. They use no network, no files and no clock."""
