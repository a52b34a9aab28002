"""The context of a request."""

from contextvars import copy_context

import pytest

from apps.core.request_context import NO_REQUEST, RequestContext, current_request, enter_request, request_id_from

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("safe", ["a", "a" * 64, "A-b_c.d:9", "0123"])
def test_safe_request_id_is_kept(safe):
    assert request_id_from(safe) == safe


@pytest.mark.parametrize("unsafe", [None, "", "a" * 65, "a b", "a\nb", "a\n", "ü", "<script>", "a\x00", "a/b"])
def test_unsafe_request_id_is_replaced(unsafe):
    generated = request_id_from(unsafe)
    assert len(generated) == 32
    assert set(generated) <= set("0123456789abcdef")
    assert generated != request_id_from(unsafe)


def test_context_is_limited_to_the_running_task():
    context = RequestContext("id-1", "192.0.2.1", "agent")

    def inside() -> RequestContext:
        enter_request(context)
        return current_request()

    before = current_request()
    assert copy_context().run(inside) is context
    assert current_request() is before


def test_context_is_empty_outside_a_request():
    assert RequestContext(request_id="", client_address=None, user_agent="") == NO_REQUEST
