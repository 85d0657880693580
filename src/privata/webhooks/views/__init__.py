"""The webhook pages: endpoints, one endpoint, deliveries."""
