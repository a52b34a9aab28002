"""Exports: who gets one, what is in it, and that rows are converted off the event loop."""

import threading
from typing import Any

import orjson
import pytest
from pydantic import field_serializer

from apps.core.declarations import PersonalData, PersonalDataDeclaration, section_of
from apps.core.errors import InsufficientScopes, NotAllowed, StepUpRequired
from apps.core.schemas.base import ResponseSchema
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentResponses
from apps.personal_data.services.data_export import EXPORT_SCOPES, DataExport, sections_of
from apps.users.schemas.user import UserOut
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import FakeAudit, unsaved_user

pytestmark = pytest.mark.unit

ME, COLLEAGUE = 1, 2


class Row(ResponseSchema):
    """Keeps the names of the threads on which it was made and serialised."""

    made_on: str

    @field_serializer("made_on")
    def _written(self, made_on: str) -> str:
        return f"{made_on}, written on {threading.current_thread().name}"

    @classmethod
    def of(cls, _number: int) -> "Row":
        return cls(made_on=threading.current_thread().name)


class Rows(PersonalData):
    """Exports two rows of five."""

    async def export(self, _user_id: int) -> Any:
        return await section_of(Row.of, [1, 2], 5)


class Users:
    """Has every account."""

    async def get(self, _actor: Any, user_id: int) -> UserOut:
        return UserOut.of(unsaved_user(user_id))

    async def require_changeable(self, _actor: Any, _user_id: int, _scope: str) -> None: ...


class Scene:
    """The service with one section."""

    def __init__(self) -> None:
        users: Any = Users()
        audit: Any = FakeAudit()
        unused: Any = None  # without an idempotency key nothing is stored
        self.exports = DataExport(users, {"rows": Rows()}, audit, IdempotentResponses(unused))
        self.audit = audit

    @property
    def recorded(self) -> list[Any]:
        return [(entry.action, entry.target_id) for entry in self.audit.entries]


def declaring(service: PersonalData, section: str = "") -> PersonalDataDeclaration:
    return PersonalDataDeclaration(lambda: service, section=section)


async def test_rows_are_made_and_serialised_on_hashing_threads():
    scene = Scene()
    allowed = scene.exports.allow_own(session_of(ME, recently_authenticated=True))
    document = orjson.loads(await scene.exports.document(allowed))
    assert (document["account"]["id"], document["data"]["rows"]["total"]) == (ME, 5)
    texts = [row["made_on"] for row in document["data"]["rows"]["items"]]
    assert [text.count("password others_") for text in texts] == [2, 2]
    assert not any(threading.current_thread().name in text for text in texts)
    assert scene.recorded == [("user.exported", ME)]


async def test_allowing_an_export_records_nothing():
    scene = Scene()
    scene.exports.allow_own(session_of(ME, recently_authenticated=True))
    await scene.exports.allow(staff_of(COLLEAGUE, *EXPORT_SCOPES), ME)
    assert scene.recorded == []


@pytest.mark.parametrize(
    ("actor", "user_id", "error"),
    [
        (session_of(ME), None, StepUpRequired),
        (key_of(ME, recently_authenticated=True), None, NotAllowed),
        (session_of(ME, recently_authenticated=True), COLLEAGUE, NotAllowed),
        (staff_of(COLLEAGUE, *EXPORT_SCOPES), COLLEAGUE, StepUpRequired),
        *[(staff_of(COLLEAGUE, *set(EXPORT_SCOPES) - {scope}), ME, InsufficientScopes) for scope in EXPORT_SCOPES],
    ],
)
async def test_export_is_refused_without_the_right(actor, user_id, error):
    exports = Scene().exports
    with pytest.raises(error):
        _ = exports.allow_own(actor) if user_id is None else await exports.allow(actor, user_id)


def test_sections_stand_in_the_order_of_the_declarations():
    first, second, nameless = Rows(), Rows(), Rows()
    declarations = [declaring(second, "b"), declaring(nameless), declaring(first, "a")]
    assert list(sections_of(declarations).items()) == [("b", second), ("a", first)]
