"""What runs the platform on AWS: stacks, autoscaler, drain, releases; it stands alone."""
