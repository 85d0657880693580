"""What is known of deliveries, for pages and APIs."""
