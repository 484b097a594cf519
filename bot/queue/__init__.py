"""The durable queue of deliveries and jobs. What a job means is its handler's business."""
