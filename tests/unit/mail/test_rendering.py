"""How messages are rendered, and that values cannot inject anything."""

import pytest
from django.template import TemplateDoesNotExist

from apps.mail.services.rendering import render

pytestmark = pytest.mark.unit

TEMPLATES = {
    "mail/greeting.subject.txt": "Hello {{ name }} from {{ product_name }}\n",
    "mail/greeting.txt": (
        '{% extends "mail/base.txt" %}{% block content %}Dear {{ name }}, see {{ link }}{% endblock %}'
    ),
    "mail/greeting.html": (
        '{% extends "mail/base.html" %}{% block content %}<p>Dear {{ name }}</p>'
        '{% include "mail/button.html" with label="Go" %}{% endblock %}'
    ),
}
LINK = "https://app.example.com/account/verify#token=a&b"


@pytest.fixture(autouse=True)
def templates(settings, tmp_path):
    """Add the templates of an app."""
    (tmp_path / "mail").mkdir()
    for name, text in TEMPLATES.items():
        (tmp_path / name).write_text(text)
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path]}]
    settings.PRODUCT_NAME = "Example & Sons"
    settings.PUBLIC_URL = "https://api.example.com"


def greet(name: str):
    return render("greeting", {"name": name, "link": LINK})


def test_subject_text_and_html():
    message = greet("Ann")
    assert message.subject == "Hello Ann from Example & Sons"
    assert message.text == f"Dear Ann, see {LINK}\n\n-- \nExample & Sons\nhttps://api.example.com\n"
    assert "<p>Dear Ann</p>" in message.html
    assert "<title>Hello Ann from Example &amp; Sons</title>" in message.html
    assert 'href="https://app.example.com/account/verify#token=a&amp;b"' in message.html


def test_html_is_escaped_and_text_is_not():
    message = greet("<script>alert('x')</script> & co")
    assert "<script>" not in message.html
    assert "Dear &lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; co" in message.html
    assert message.text.startswith("Dear <script>alert('x')</script> & co, see ")
    assert message.subject == "Hello <script>alert('x')</script> & co from Example & Sons"


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00"])
def test_line_breaks_in_values_become_spaces(ending):
    message = greet(f"Ann{ending}Bcc: all@example.com{ending}{ending}Click here")
    assert message.subject == "Hello Ann Bcc: all@example.com Click here from Example & Sons"
    assert message.text.startswith("Dear Ann Bcc: all@example.com Click here, see ")


def test_bidirectional_control_characters_are_removed():
    assert greet("Ann \u202egnp.exe").subject == "Hello Ann gnp.exe from Example & Sons"


def test_a_value_is_not_rendered_as_a_template():
    assert greet("{{ link }}{% debug %}").subject == "Hello {{ link }}{% debug %} from Example & Sons"


def test_a_kind_without_templates_is_rejected():
    with pytest.raises(TemplateDoesNotExist):
        render("nothing", {})


def test_the_test_mail():
    message = render("test_mail", {})
    assert message.subject == "Example & Sons can send mail"
    assert "An operator of Example & Sons sent this message" in message.text
    assert "An operator of Example &amp; Sons sent this message" in message.html
