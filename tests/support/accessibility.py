"""Pages of the admin under axe-core: light and dark, on a desktop and on a phone."""

from dataclasses import dataclass, field
from typing import Literal

from playwright.sync_api import ConsoleMessage, Page

WIDTHS = (1280, 390)
HEIGHT = 900
SERIOUS = ("serious", "critical")
SETTLED = "Promise.allSettled(document.getAnimations().map((each) => each.finished))"
FINDINGS = """async ([impacts, rules]) => (await axe.run(document, {
        resultTypes: ["violations"], ...(rules.length ? { runOnly: rules } : {}),
    })).violations
    .filter((each) => impacts.includes(each.impact))
    .map((each) => `${each.id}: ${each.nodes.map((node) => node.html).slice(0, 3).join(" ")}`)"""
# The only rule that depends on the colours; in the dark the others would repeat what they found in the light.
OF_COLOURS = ("color-contrast",)
THEMES: tuple[tuple[Literal["light", "dark"], tuple[str, ...]], ...] = (("light", ()), ("dark", OF_COLOURS))


@dataclass
class Inspection:
    """What is wrong with the pages that were looked at, and what the browser has reported about them.

    `axe` is the source of axe-core.
    """

    page: Page
    axe: str
    problems: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._read)
        self.page.on("pageerror", self._note)

    def close(self) -> None:
        """Listen no longer: another inspection may look at the same tab."""
        self.page.remove_listener("console", self._read)
        self.page.remove_listener("pageerror", self._note)

    def _read(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._note(message.text)

    def _note(self, report: object) -> None:
        self.reports.append(f"{self.page.url}: {report}")

    def open(self, path: str, *statuses: int) -> int:
        """Open the page, which must not lead to another one, and look at it. Return its status, one of these."""
        response = self.page.goto(path)
        assert response is not None
        assert response.status in (statuses or (200,)), path
        assert response.request.redirected_from is None, f"{path} leads to {response.url}"
        self.look(response.status)
        return response.status

    def look(self, status: int = 200) -> None:
        """Look at the page as it is; an error's status is reported by the browser, which is no problem."""
        if status >= 400:
            self.reports = [each for each in self.reports if f"status of {status} " not in each]
        self.page.evaluate(self.axe)
        for theme, rules in THEMES:
            self.page.emulate_media(color_scheme=theme)
            for width in WIDTHS:
                self._look_at(theme, width, rules)
        self.page.emulate_media(color_scheme="light")

    def _look_at(self, theme: str, width: int, rules: tuple[str, ...]) -> None:
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        self.page.evaluate(SETTLED)
        where = f"{self.page.url}, {theme}, {width} wide"
        found = self.page.evaluate(FINDINGS, [list(SERIOUS), list(rules)])
        self.problems += [f"{where}: {finding}" for finding in found]
        scrolled = self.page.evaluate("document.documentElement.scrollWidth")
        self.problems += [f"{where}: scrolls to {scrolled}"] if scrolled > width else []
