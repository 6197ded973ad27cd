"""What a real browser lets other sites' pages do with a stack that asks for no key, and the login of one that does."""

import json
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pandas as pd
import pytest
from playwright.sync_api import Error, expect

from pilothouse.client import Client
from testkit.browser.chromium import find_chromium, open_browser, open_page
from testkit.browser.stack import SERVICES, own_stack
from testkit.frontend.process import page_process
from tests.browser.test_main_job import press_predict

WAIT = 20_000
READ, OWN = "read-key-0123456789", "stack-key-0123456789"
EVIL = "evil.example"
# what a page tries; each attempt ends in words of its own
ATTACK = """async ({frontend, inference, collector, drift}) => {
  const outcomes = {}
  const attempt = async (name, url, options) => {
    for (const mode of ['cors', 'no-cors', 'same-origin']) {
      try {
        const answer = await fetch(url, {...options, mode, credentials: 'include'})
        outcomes[name + ', ' + mode] = answer.status + ' ' + (await answer.text()).slice(0, 60)
      } catch (error) { outcomes[name + ', ' + mode] = 'failed' }
    }
  }

  const house = inference + '/models/house-prices'
  await attempt('predict', house + '/predict', {method: 'POST', body: '{}'})
  await attempt('activate', house + '/versions/1b/activate', {method: 'POST', body: 'x'})
  await attempt('label', collector + '/v1/labels', {method: 'POST', body: '{}'})

  await attempt('log', collector + '/v1/records', {method: 'POST', body: '{}'})
  await attempt('alert', collector + '/v1/alerts', {method: 'POST', body: '{}'})
  await attempt('read', collector + '/v1/records?model=house-prices', {})
  await attempt('report', drift + '/drift-report?model=house-prices', {})
  await attempt('page', frontend + '/drift?model=house-prices', {})
  await attempt('upload', frontend + '/_stcore/upload_file/a/b', {method: 'POST', body: 'x'})

  outcomes['websocket'] = await new Promise(done => {
    const socket = new WebSocket(frontend.replace('http', 'ws') + '/_stcore/stream', ['streamlit'])
    socket.onopen = () => done('open')
    socket.onerror = () => done('failed')
  })

  for (const [tag, url] of [['img', house + '/examples/x.png'], ['script', collector + '/v1/stats']])
    outcomes[tag] = await new Promise(done => {
      const element = document.body.appendChild(document.createElement(tag))
      element.onload = () => done('loaded')
      element.onerror = () => done('failed')
      element.src = url
    })
  return outcomes
}"""
FRAME = """url => new Promise(done => {
  const frame = document.body.appendChild(document.createElement('iframe'))
  frame.onload = () => done()
  frame.src = url
})"""
POST = """url => {
  const form = document.body.appendChild(document.createElement('form'))
  Object.assign(form, {method: 'post', action: url, enctype: 'text/plain'})
  form.submit()
}"""


class HostilePage(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Hostile</title><body>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def elsewhere():
    """The port of somebody else's page on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), HostilePage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    """It is told that the name of another site leads to this machine."""
    path = find_chromium()
    if path is None and os.environ.get("PILOTHOUSE_REQUIRE_BROWSER") == "1":
        pytest.fail("PILOTHOUSE_REQUIRE_BROWSER=1, and no `chromium` is on the PATH")
    if path is None:
        pytest.skip("no `chromium` on the PATH (Debian: apt-get install chromium)")
    with open_browser(path, f"--host-resolver-rules=MAP {EVIL} 127.0.0.1") as browser:
        yield browser


@pytest.fixture
def page(browser):
    with open_page(browser) as (page, _):
        yield page


def refusals(address, status):
    lines = re.findall(rf'^pilothouse_http_requests_total{{.*status="{status}"}} (\S+)$', metrics(address), re.M)
    return sum(map(float, lines))


def metrics(address):
    return httpx2.get(f"{address}/metrics").text


def kept(addresses):
    """What another site's page must not change."""
    models = httpx2.get(f"{addresses['inference']}/models").json()
    stats = httpx2.get(f"{addresses['collector']}/v1/stats").json()["models"]
    alerts = httpx2.get(f"{addresses['collector']}/v1/alerts").json()
    return json.dumps([models, [(m["model"], m["version"], m["records"]) for m in stats], alerts])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", EVIL])
def test_a_page_of_another_origin_gets_nothing_and_changes_nothing(page, addresses, elsewhere, host):
    before, counted = kept(addresses), {name: refusals(addresses[name], 403) for name in SERVICES}
    page.goto(f"http://{host}:{elsewhere}/")
    outcomes = page.evaluate(ATTACK, addresses)
    read = {k: v for k, v in outcomes.items() if v != "failed" and not (k.endswith("no-cors") and v == "0 ")}
    assert read == {}
    assert kept(addresses) == before
    asked = [name for name in SERVICES if refusals(addresses[name], 403) > counted[name]]
    assert asked == list(SERVICES), "the browser itself held it back: nothing was shown"


@pytest.mark.parametrize("service", ["inference", "collector", "drift", "frontend"])
def test_a_name_that_was_made_to_lead_here_gets_nothing(page, addresses, service):
    """DNS rebinding: to the browser, a page of that name and we are one site."""
    own = f"http://{EVIL}:{addresses[service].rpartition(':')[2]}"
    assert page.goto(own).status == 421
    before = kept(addresses)
    outcomes = page.evaluate(ATTACK, dict.fromkeys(addresses, own))
    answered = [v for k, v in outcomes.items() if k.endswith(", same-origin")]
    assert len(answered) == 9
    assert all(v.startswith('421 {"type":"urn:pilothouse:problem:foreign-host"') for v in answered), outcomes
    assert outcomes["websocket"] == "failed"
    assert kept(addresses) == before


def test_a_form_of_another_site_activates_nothing(page, addresses, elsewhere):
    before = kept(addresses)
    page.goto(f"http://localhost:{elsewhere}/")
    with page.expect_navigation():
        page.evaluate(POST, f"{addresses['inference']}/models/house-prices/versions/1b/activate")
    expect(page.locator("body")).to_contain_text("PILOTHOUSE_ALLOWED_HOSTS")
    assert kept(addresses) == before


@pytest.mark.parametrize("path", ["/alerts", "/drift-report?model=house-prices"])
def test_the_page_is_not_shown_inside_another(page, addresses, elsewhere, path):
    page.goto(f"http://127.0.0.1:{elsewhere}/")
    page.evaluate(FRAME, addresses["frontend"] + path)
    assert "PILOTHOUSE_ALLOWED_HOSTS" in page.frames[1].content()


def test_a_link_of_another_site_opens_the_page(page, addresses, elsewhere):
    page.goto(f"http://127.0.0.1:{elsewhere}/")
    page.evaluate("url => { location.href = url }", f"{addresses['frontend']}/live")
    expect(page.get_by_text("All services are ready.")).to_be_visible(timeout=WAIT)


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """The addresses of a stack where everything wants a key."""
    state = tmp_path_factory.mktemp("closed")
    keys = state / "keys"
    keys.write_text(f"{READ} read\n{OWN} predict,read,ingest\n")
    with own_stack(state, PILOTHOUSE_API_KEYS_FILE=str(keys), PILOTHOUSE_API_KEY=OWN) as (_, addresses):
        yield addresses


def test_a_visitor_logs_in_sees_the_page_live_and_logs_out(page, closed):
    page.goto(f"{closed['frontend']}/live")
    page.get_by_label("API key").fill("a-wrong-key-0123456789")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("This key is not known.")).to_be_visible(timeout=WAIT)
    page.get_by_label("API key").fill(READ)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/live")
    expect(page.get_by_text("All services are ready.")).to_be_visible(timeout=WAIT)
    assert page.evaluate("document.cookie.includes('pilothouse')") is False
    page.get_by_role("link", name="Drift").click()
    expect(page.get_by_role("heading", name="Drift").first).to_be_visible(timeout=WAIT)
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.goto(f"{closed['frontend']}/live")
    expect(page.get_by_label("API key")).to_be_visible()


def test_an_open_page_says_that_its_session_is_over(page, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"{READ} read\n")
    with page_process(PILOTHOUSE_API_KEYS_FILE=str(keys), PILOTHOUSE_LOGIN_HOURS="0.002") as (_, port):
        page.goto(f"http://localhost:{port}/alerts")
        page.get_by_label("API key").fill(READ)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Alerts").first).to_be_visible(timeout=WAIT)
        expect(page.get_by_text("Reload this page to log in")).to_be_visible(timeout=2 * WAIT)
        page.reload()
        expect(page.get_by_label("API key")).to_be_visible()


def test_a_visitor_who_logs_in_gets_the_report_that_a_message_links_to(page, closed):
    """The page for while it is made has an origin of its own; the session goes with what it loads next all the same."""
    page.goto(f"{closed['frontend']}/drift-report?model=house-prices")
    page.get_by_label("API key").fill(READ)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name=re.compile("^unknown *house-prices"))).to_be_visible(timeout=3 * WAIT)
    assert page.evaluate("self.origin") == "null"


def test_a_browser_is_asked_for_a_key_by_the_services(browser, closed):
    context = browser.new_context(http_credentials={"username": "me", "password": READ})
    try:
        page = context.new_page()
        answer = page.goto(f"{closed['collector']}/v1/stats")
        assert answer.status == 200
        page.goto(f"{closed['collector']}/docs")
        expect(page.get_by_text("/v1/records").first).to_be_visible(timeout=WAIT)
        status = page.evaluate("fetch('/v1/stats', {headers: {accept: 'application/json'}}).then(a => a.status)")
        assert status == 200
    finally:
        context.close()


def test_without_one_it_asks(page, closed):
    """A browser without a window cannot, and says so."""
    with pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
        page.goto(f"{closed['drift']}/drift?model=house-prices")


def test_what_a_visitor_uploads_goes_the_same_way(page, closed, tmp_path):
    with Client(closed["inference"], OWN) as client:
        table = pd.DataFrame(client.manifest("house-prices", "1").examples)
    table.to_csv(tmp_path / "sales.csv", index=False)
    page.goto(f"{closed['frontend']}/?model=house-prices&input=file")
    page.get_by_label("API key").fill(READ)
    page.get_by_role("button", name="Log in").click()
    page.set_input_files("input[type=file]", tmp_path / "sales.csv", timeout=WAIT)
    expect(page.get_by_text("sales.csv").first).to_be_visible(timeout=WAIT)
    press_predict(page)
    expect(page.get_by_text(f"{len(table)} of {len(table)} rows")).to_be_visible(timeout=3 * WAIT)
