"""Makes the pictures of README and site again from the README's example: `.venv/bin/python docs/_site/pictures.py` (playwright and chromium)."""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.docs.blocks import run_page  # noqa: E402  # the project itself is no installed package of tests


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        run_page((ROOT / "README.md").read_text("utf-8"), folder)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1000, "height": 800}, device_scale_factor=1)
        page.goto((folder / "pair.html").as_uri())
        page.locator("section[aria-labelledby=bounds]").screenshot(path=ROOT / "docs" / "bounds.png")
        heading = page.locator("h3", has_text="Path exchange")
        heading.locator("xpath=following-sibling::figure[1]").locator("img").screenshot(path=ROOT / "docs" / "path.png")
        browser.close()


if __name__ == "__main__":
    main()
