"""What GitHub offers, as plain functions over a Client."""
