"""The image in which flows run on ECS, and the task definition that names it."""
