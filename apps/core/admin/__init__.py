"""What the rooms' admin pages stand on: everything that changes something goes through the services."""
