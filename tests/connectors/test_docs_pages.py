"""Pages taken apart: MDX, components, links that land, and pages that mean ill."""

import time

import pytest

from connectors.docs_pages import Page, Unreadable, read_html, read_markdown, read_mdx

MDX = """---
title: Keys
---
import Tabs from '@theme/Tabs';
import {
  Note,
  Warning,
} from '../components'

export const limit = {
  team: 600,
}

# API keys

{/* ask the billing team before changing this */}

<Note type="info">
Keys expire after a year.
</Note>

<Tabs>
<Tab label="one">

Old keys work for a day.

</Tab>
</Tabs>

Important words about how to
export your keys.

```js
import { Client } from 'vellum_client'

export default Client
```
"""


def texts(page: Page) -> str:
    return " ".join(section.text for section in page.sections)


def test_mdx_is_read_without_its_modules_and_with_what_components_hold() -> None:
    page = read_mdx(MDX, "keys")
    assert page.title == "Keys"
    told = texts(page)
    for kept in ("expire after a year", "work for a day", "export your keys", "vellum_client", "export default Client"):
        assert kept in told
    for dropped in ("@theme", "components", "limit", "600", "billing team"):
        assert dropped not in told


def test_markdown_keeps_lines_that_look_like_modules() -> None:
    assert "import taxes are yours" in texts(read_markdown("import taxes are yours\n", "n"))


def test_html_within_markdown_is_its_text() -> None:
    page = read_markdown(
        "# T\n\n<details>\n<summary>More</summary>\nhidden_word\n</details>\n\n<script>\nbad\n</script>\n", "n"
    )
    assert "More hidden_word" in texts(page)
    assert "bad" not in texts(page)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Webhooks & signatures", "webhooks--signatures"),
        ("What's new?", "whats-new"),
        ("`POST /v1/files`", "post-v1files"),
        ("snake_case and-dash", "snake_case-and-dash"),
        ("Über *uns*", "über-uns"),
        ("With [a link](x.md)", "with-a-link"),
        ("Own {#own-id}", "own-id"),
        ("1. First", "1-first"),
    ],
)
def test_anchors_are_those_of_github(heading: str, anchor: str) -> None:
    assert read_markdown(f"## {heading}\n\ntext\n", "n").sections[0].anchor == anchor


def test_sections_of_one_name_have_anchors_of_their_own() -> None:
    page = read_markdown("# A\n\none\n\n# A\n\ntwo\n\n# A\n\nthree\n", "n")
    assert [section.anchor for section in page.sections] == ["a", "a-1", "a-2"]


@pytest.mark.parametrize(
    "source",
    [
        "> " * 50_000 + "x",
        "[" * 5_000,
        "*a_" * 5_000,
        "# " + "{#" * 20_000,
        "{/*" * 10_000,
        "---\n" + "a: &a [*a, *a]\n" * 10 + "---\nx",
        "---\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\ntitle: [*b,*b,*b,*b,*b,*b]\n---\nx",
        "import x\n" * 10_000,
        "\0\ufffd\u202e" * 10_000,
    ],
)
def test_no_page_hangs_or_breaks_the_reader(source: str) -> None:
    started = time.process_time()
    for read in (read_markdown, read_mdx, read_html):
        assert read(source, "n").title
    assert time.process_time() - started < 20


def test_elements_within_each_other_by_the_thousand_are_not_parsed() -> None:
    started = time.process_time()
    for read in (read_html, read_markdown, read_mdx):
        with pytest.raises(Unreadable, match="within each other"):
            read("<div>" * 300_000, "n")
    assert time.process_time() - started < 20
    many = "<div><p>a<br><li>b</div><img>" * 6_000
    assert read_html(many, "n").sections
