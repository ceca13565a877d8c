"""The review page: server-rendered, htmx for swapping, no build step."""
