"""Exports are made beside the event loop."""

import threading
from typing import Any

import orjson
import pytest
from pydantic import field_serializer

from apps.core.declarations.old_personal_data import ExportSection
from apps.core.declarations.personal_data import section_of
from apps.core.errors import NotAllowed, StepUpRequired, TooManyRequests
from apps.core.schemas.base import ResponseSchema
from apps.personal_data.services.data_export import DataExport
from apps.users.schemas.user import UserOut
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import unsaved_user

pytestmark = pytest.mark.unit

ME, COLLEAGUE = 1, 2


class Row(ResponseSchema):
    """Remembers on which thread it was made, and written."""

    made_on: str

    @field_serializer("made_on")
    def _written(self, made_on: str) -> str:
        return f"{made_on}, written on {threading.current_thread().name}"

    @classmethod
    def of(cls, _number: int) -> "Row":
        return cls(made_on=threading.current_thread().name)


class Users:
    """Has every account."""

    async def get(self, _actor: Any, user_id: int) -> UserOut:
        return UserOut.of(unsaved_user(user_id))

    async def require_changeable(self, _actor: Any, _user_id: int) -> None: ...


class Scene:
    """The service with one section of two rows, of five that there are."""

    def __init__(self) -> None:
        self.noted: list[Any] = []
        self.counted: list[int] = []
        users: Any = Users()
        self.exports = DataExport(users, [ExportSection("rows", self._rows)], self._note)

    async def _rows(self, _user_id: int) -> Any:
        return await section_of(Row.of, [1, 2], 5)

    async def count(self, user_id: int) -> None:
        self.counted.append(user_id)

    async def _note(self, entry: Any) -> None:
        self.noted.append((entry.action, entry.target_id))


async def test_rows_are_shown_and_written_on_other_threads_than_the_loops():
    scene = Scene()
    document = orjson.loads(await scene.exports.own(session_of(ME, recently_authenticated=True), scene.count))
    assert (document["account"]["id"], document["data"]["rows"]["total"]) == (ME, 5)
    texts = [row["made_on"] for row in document["data"]["rows"]["items"]]
    assert [text.count("password_") for text in texts] == [2, 2]
    assert not any(threading.current_thread().name in text for text in texts)
    assert (scene.noted, scene.counted) == ([("user.exported", ME)], [ME])


async def test_one_too_many_is_not_made():
    scene = Scene()

    async def count(_user_id: int) -> None:
        raise TooManyRequests

    with pytest.raises(TooManyRequests):
        await scene.exports.own(session_of(ME, recently_authenticated=True), count)
    assert scene.noted == []


@pytest.mark.parametrize(
    ("actor", "user_id", "error"),
    [
        (session_of(ME), None, StepUpRequired),
        (key_of(ME, recently_authenticated=True), None, NotAllowed),
        (session_of(ME, recently_authenticated=True), COLLEAGUE, NotAllowed),
        (staff_of(COLLEAGUE), COLLEAGUE, StepUpRequired),
    ],
)
async def test_whoever_may_not_gets_nothing(actor, user_id, error):
    scene = Scene()
    own, of_customer = scene.exports.own, scene.exports.of_customer
    with pytest.raises(error):
        await (own(actor, scene.count) if user_id is None else of_customer(actor, user_id, scene.count))
    assert (scene.noted, scene.counted) == ([], [])
