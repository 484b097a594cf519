"""What is installed from built artifacts alone into bare roots of Debian: `make verify-install`."""
