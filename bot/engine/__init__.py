"""The one adapter to Docker and Compose: programs, versions, arguments, environments, time and output limits."""
