"""Internal notes about accounts."""

from typing import TYPE_CHECKING, Annotated, Self, cast

from pydantic import StringConstraints

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import Lines, Timestamp

if TYPE_CHECKING:
    from typing import Any

    from apps.users.models import AccountNote

NOTE_LENGTH_MAXIMUM = 4000
NoteText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NOTE_LENGTH_MAXIMUM), Lines]


class NoteCreate(RequestSchema):
    """A new note."""

    text: NoteText


class NoteOut(ResponseSchema):
    """A note. `author_id` and `author_email` are null for a note of the operator."""

    id: int
    user_id: int
    text: str
    author_id: int | None
    author_email: str | None
    created_at: Timestamp

    @classmethod
    def of(cls, note: "AccountNote") -> Self:
        """Return the representation of a row of AccountNoteRepository."""
        row = cast("Any", note)
        return cls(
            id=note.pk,
            user_id=row.user_id,
            text=note.text,
            author_id=note.author_id,
            author_email=row.author_email,
            created_at=note.created_at,
        )
