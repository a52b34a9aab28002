"""What goes out about a person."""

from apps.personal_data.schemas.data_export_out import DataExportOut

__all__ = ["DataExportOut"]
