"""The HTTP routes of the service: webhook, plans, fleets, set-up, operations."""
