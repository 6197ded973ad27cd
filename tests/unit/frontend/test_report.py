"""A foreign report is embedded without the means to reach this page or the network."""

from html.parser import HTMLParser

from services.frontend.views.drift.report import sandboxed

HOSTILE = '<html><body>"quoted" & <script>parent.document.title = "taken"</script></iframe></body></html>'


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def tags(page):
    parser = Tags()
    parser.feed(page)
    return parser.found


def test_the_report_is_one_attribute_of_one_frame():
    found = tags(sandboxed(HOSTILE, "Report"))
    assert [tag for tag, _ in found] == ["html", "head", "meta", "meta", "style", "body", "iframe"]
    assert found[-1][1]["srcdoc"] == HOSTILE


def test_the_frame_has_an_origin_of_its_own():
    assert tags(sandboxed(HOSTILE, "Report"))[-1][1]["sandbox"] == "allow-scripts"


def test_the_policy_lets_nothing_be_fetched():
    policy = tags(sandboxed(HOSTILE, "Report"))[3][1]["content"]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "connect-src" not in policy
