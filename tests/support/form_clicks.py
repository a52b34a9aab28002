"""Fills in the forms of the admin in a browser, and clicks their buttons."""

from playwright.sync_api import Page, expect

from tests.support.admin_forms import AdminForm

OPENED = "document.body.dataset.opened = 'before'"
NEXT_PAGE = "body:not([data-opened])"


def prepare(page: Page, form: AdminForm, address: str, name: str) -> None:
    """Open the form, fill it in, and click all buttons but the last."""
    page.goto(address)
    for field, value in form.typed.items():
        enter(page, field, value.format(name=name))
    for step in form.steps[:-1]:
        leave(page, step)


def enter(page: Page, field: str, value: str) -> None:
    """Enter the value in the field of this name, as its kind demands; an empty one unchecks a box."""
    controls = page.locator(f'#content [name="{field}"]')
    kind = controls.first.evaluate("(control) => control.type")
    if kind == "select-one":
        controls.select_option(value)
    elif kind in {"checkbox", "radio"} and value:
        controls.and_(page.locator(f'[value="{value}"]')).check()
    elif kind == "checkbox":
        controls.uncheck()
    else:
        controls.fill(value)


def leave(page: Page, button: str, *, is_double: bool = False) -> None:
    """Click the button once or twice, and wait for the page that it leads to."""
    page.evaluate(OPENED)
    page.locator(button).click(click_count=2 if is_double else 1)
    expect(page.locator(NEXT_PAGE)).to_be_attached()
    page.wait_for_load_state()
