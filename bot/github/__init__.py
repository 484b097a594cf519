"""The one adapter to GitHub: client, authentication, budget, endpoints, webhook events, the App's manifest."""
