"""Base classes of the apps' admin pages. Every change goes through a service."""
