"""What several tests stand on: a browser, stand-ins."""
