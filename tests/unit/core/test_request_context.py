"""The identity of a request."""

from contextvars import copy_context

import pytest

from apps.core.request_context import NO_REQUEST, RequestContext, current_request, enter_request, request_id_from

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("harmless", ["a", "a" * 64, "A-b_c.d:9", "0123"])
def test_takes_over_a_harmless_request_id(harmless):
    assert request_id_from(harmless) == harmless


@pytest.mark.parametrize("harmful", [None, "", "a" * 65, "a b", "a\nb", "a\n", "ü", "<script>", "a\x00", "a/b"])
def test_makes_a_new_request_id_instead_of_a_harmful_one(harmful):
    made = request_id_from(harmful)
    assert len(made) == 32
    assert set(made) <= set("0123456789abcdef")
    assert made != request_id_from(harmful)


def test_is_kept_for_the_running_task_alone():
    context = RequestContext("id-1", "192.0.2.1", "agent")

    def inside() -> RequestContext:
        enter_request(context)
        return current_request()

    before = current_request()
    assert copy_context().run(inside) is context
    assert current_request() is before


def test_is_empty_outside_any_request():
    assert RequestContext(request_id="", client_address=None, user_agent="") == NO_REQUEST
