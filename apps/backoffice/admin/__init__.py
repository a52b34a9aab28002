"""The admin site: its look, its navigation, and the pages of staff about their own account."""
