"""Templates to pages: one style sheet, its hash in the content-security policy, and everything else escaped."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

from verifier.numbers import plural

FOLDER = files("verifier.report") / "templates"


def render_page(template: str, context: dict[str, Any]) -> str:
    """The page that a template in `templates/`, extending `base.html.jinja`, makes of the context."""
    import jinja2
    import markupsafe

    style = (FOLDER / "report.css").read_text("utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (FOLDER / name).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plural"] = plural
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    known = {"style": markupsafe.Markup(style), "style_hash": f"sha256-{digest}"}
    page = environment.get_template(template).render(**known, **context)
    # Printable as UTF-8 whatever the record holds: JSON may carry lone surrogates.
    return page.encode("utf-8", "replace").decode("utf-8")
