"""How letters read, and what nobody can smuggle into them."""

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
    """Add a room's templates."""
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
    letter = greet("Ann")
    assert letter.subject == "Hello Ann from Example & Sons"
    assert letter.text == f"Dear Ann, see {LINK}\n\n-- \nExample & Sons\nhttps://api.example.com\n"
    assert "<p>Dear Ann</p>" in letter.html
    assert "<title>Hello Ann from Example &amp; Sons</title>" in letter.html
    assert 'href="https://app.example.com/account/verify#token=a&amp;b"' in letter.html


def test_html_is_escaped_and_text_is_not():
    letter = greet("<script>alert('x')</script> & co")
    assert "<script>" not in letter.html
    assert "Dear &lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; co" in letter.html
    assert letter.text.startswith("Dear <script>alert('x')</script> & co, see ")
    assert letter.subject == "Hello <script>alert('x')</script> & co from Example & Sons"


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00"])
def test_a_value_breaks_no_line(ending):
    letter = greet(f"Ann{ending}Bcc: all@example.com{ending}{ending}Click here")
    assert letter.subject == "Hello Ann Bcc: all@example.com Click here from Example & Sons"
    assert letter.text.startswith("Dear Ann Bcc: all@example.com Click here, see ")


def test_what_turns_writing_round_is_taken_out():
    assert greet("Ann \u202egnp.exe").subject == "Hello Ann gnp.exe from Example & Sons"


def test_a_value_is_no_template():
    assert greet("{{ link }}{% debug %}").subject == "Hello {{ link }}{% debug %} from Example & Sons"


def test_a_kind_without_templates_is_refused():
    with pytest.raises(TemplateDoesNotExist):
        render("nothing", {})


def test_the_test_mail():
    letter = render("test_mail", {})
    assert letter.subject == "Example & Sons can send mail"
    assert "asked for by an operator of Example & Sons." in letter.text
    assert "asked for by an operator of Example &amp; Sons." in letter.html
