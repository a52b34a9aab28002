"""The admin site itself: its name and looks, and what leads from one room to another."""
