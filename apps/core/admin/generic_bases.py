"""Django's base classes that are generic only for the type checker."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin
from django.forms import ModelForm

if TYPE_CHECKING:
    ModelAdminBase = ModelAdmin[Any]
    ModelFormBase = ModelForm[Any]
else:
    ModelAdminBase = ModelAdmin
    ModelFormBase = ModelForm
