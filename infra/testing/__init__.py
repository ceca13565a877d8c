"""What stands in for AWS where nothing else can: an Auto Scaling group with true lifecycles."""
