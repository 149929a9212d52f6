"""The pages in a browser: wide and on a phone, light and dark, with no error on its console.

The page refuses every script, so a page beside it looks into it through a frame.
"""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import xpnet.report
from xpnet.report.figures import scroll
from xpnet.report.markup import Markup

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

RUNS = ["digits_run", "regression_run", "hostile_run", "diverged_run", "sweep_run"]
# Chromium's own numbers for the two.
DARK, LIGHT = "preferredColorScheme=0", "preferredColorScheme=1"

PROBE = """<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">
<iframe id="f" src="report.html" style="border:0;width:WIDTHpx;height:900px"></iframe>
<pre id="found"></pre><script>
function channels(text) {
  const m = text.match(/rgba?\\(([^)]+)\\)/);
  const v = m ? m[1].split(/[ ,\\/]+/).map(Number) : [0, 0, 0, 0];
  return v.length === 3 ? [...v, 1] : v;
}
function over(top, under) {
  return [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3]));
}
function ground(e, view) {
  const stack = [];
  for (; e; e = e.parentElement) stack.push(channels(view.getComputedStyle(e).backgroundColor));
  return stack.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
}
function luminance(rgb) {
  const c = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
}
function contrast(a, b) {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}
window.onload = () => {
  const view = document.getElementById("f").contentWindow, page = view.document;
  const root = page.documentElement, seen = [...page.querySelectorAll("body *")];
  const visible = e => { const b = e.getBoundingClientRect(); return b.width > 0 && b.height > 0; };
  const texts = seen.filter(e => visible(e) && !e.closest("[aria-hidden]") &&
    [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
  const low = [];
  let smallest = 1e9;
  for (const e of texts) {
    const style = view.getComputedStyle(e), isSvg = e.namespaceURI.endsWith("svg");
    const under = ground(e, view), colour = channels(isSvg ? style.fill : style.color);
    const ratio = contrast(over(colour, under), under);
    if (ratio < 4.5) low.push([e.textContent.slice(0, 30), style.color, ratio.toFixed(2)]);
    const scale = isSvg ? e.getBoundingClientRect().height / e.getBBox().height : 1;
    smallest = Math.min(smallest, parseFloat(style.fontSize) * scale);
  }
  const lines = [...page.querySelectorAll(".line, .mark, .reference")].filter(visible);
  const faint = lines.filter(e => {
    const style = view.getComputedStyle(e);
    if (parseFloat(style.opacity) < 1) return false;  /* many of these overlap */
    const own = style.stroke === "none" || e.matches(".mark") ? style.fill : style.stroke;
    return contrast(channels(own).slice(0, 3), ground(e, view)) < 3;
  });
  const shown = name => visible(page.querySelector(name));
  const axes = page.querySelector(".switch") && [shown(".panel.linear"), shown(".panel.log")];
  if (axes) page.querySelector(".switch label:last-of-type").click();
  document.getElementById("found").textContent = JSON.stringify({
    beyond: root.scrollWidth - root.clientWidth,
    figures: [...page.querySelectorAll("figure")].filter(visible).map(e => e.id),
    broken: [...page.images].filter(i => !i.naturalWidth).map(i => i.alt),
    low, faint: faint.map(e => e.getAttribute("class")), smallest,
    ground: view.getComputedStyle(page.body).backgroundColor,
    axes, after: axes && [shown(".panel.linear"), shown(".panel.log")],
    wider: [...page.querySelectorAll(".scroll")].filter(e => e.scrollWidth > e.clientWidth + 1)
      .map(e => e.getAttribute("aria-label")),
    headings: [...page.querySelectorAll("h2")].map(e => e.textContent),
  });
};
</script>"""


def chromium(*options):
    """Run it, and return what it printed."""
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *options],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    """Return the function from a run's folder to what the browser makes of its page."""
    known = {}

    def at(folder, width, scheme):
        key = folder, width, scheme
        if key not in known:
            place = tmp_path_factory.mktemp("probe")
            shutil.copy(folder / "report.html", place)
            probe = place / "probe.html"
            probe.write_text(PROBE.replace("WIDTH", str(width)), encoding="utf-8")
            out, errors = chromium(
                *("--allow-file-access-from-files", f"--blink-settings={scheme}", "--dump-dom"),
                *("--enable-logging=stderr", f"--user-data-dir={place / 'user'}"),
                *(f"--window-size={max(width, 500)},1000", probe.as_uri()),
            )
            found = re.search(r'<pre id="found">(.*?)</pre>', out, flags=re.DOTALL)[1]
            known[key] = json.loads(html.unescape(found))
            known[key]["console"] = [line for line in errors.splitlines() if "CONSOLE" in line]
        return known[key]

    return at


@pytest.fixture(params=RUNS)
def folder(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(
    ("width", "scheme"), [(1200, LIGHT), (360, DARK)], ids=["wide-light", "phone-dark"]
)
def test_it_is_shown_as_it_is_meant(folder, look, tree_of, width, scheme):
    found = look(folder, width, scheme)
    assert found["console"] == []
    assert found["beyond"] <= 0, "the page is wider than the window"
    assert found["figures"] == [figure["id"] for figure in tree_of(folder).all("figure")]
    assert found["broken"] == []
    assert found["low"] == [], "texts of a contrast below 4.5"
    assert found["faint"] == [], "lines of a contrast below 3"
    assert found["smallest"] >= 9.5, "a text is too small to be read"
    assert found["headings"]
    grounds = {LIGHT: "rgb(255, 255, 255)", DARK: "rgb(20, 23, 26)"}
    assert found["ground"] == grounds[scheme]


@pytest.mark.parametrize(("width", "scheme"), [(1200, DARK), (360, LIGHT)])
def test_the_other_two_ways(digits_run, look, width, scheme):
    found = look(digits_run, width, scheme)
    assert (found["console"], found["low"], found["faint"]) == ([], [], [])
    assert found["beyond"] <= 0


def test_the_numbers_that_matter_are_seen_on_a_phone(digits_run, regression_run, sweep_run, look):
    """The checks fit; of the best configurations the score comes first, and a shadow says more."""
    for run in (digits_run, regression_run):
        assert "the checks in numbers" not in look(run, 360, LIGHT)["wider"]
    assert look(sweep_run, 1200, LIGHT)["wider"] == []


def test_a_table_that_goes_on_beyond_the_edge_has_a_shadow_there(tmp_path):
    """And one that ends before it has none."""
    image_module = pytest.importorskip("PIL.Image")
    style = Path(xpnet.report.__file__).with_name("style.css").read_text()
    boxes = [
        scroll(Markup(f"<div style='width:{width}px;height:90px'></div>"), "")
        for width in (900, 90)
    ]
    (tmp_path / "page.html").write_text(
        f"<!DOCTYPE html><style>{style} body {{ padding: 0; margin: 0 }}</style>{''.join(boxes)}"
    )
    shot = tmp_path / "shot.png"
    chromium(
        *(f"--user-data-dir={tmp_path / 'user'}", f"--blink-settings={LIGHT}"),
        *(f"--screenshot={shot}", "--window-size=500,180", (tmp_path / "page.html").as_uri()),
    )
    with image_module.open(shot) as picture:
        grey = picture.convert("L")
        darkest = [
            [min(grey.getpixel((x, y)) for x in edge) for edge in (range(10), range(490, 500))]
            for y in (45, 135)
        ]
    (left, right), ends = darkest
    assert left > 250
    assert right < 225
    assert min(ends) > 250


def test_the_loss_is_switched_to_a_log_axis(digits_run, diverged_run, look):
    found = look(digits_run, 1200, LIGHT)
    assert found["axes"] == [True, False]
    assert found["after"] == [False, True]
    assert look(diverged_run, 1200, LIGHT)["axes"] == [False, True]


def test_a_screenshot_and_a_print_have_something_on_them(digits_run, tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    shot, paper = tmp_path / "shot.png", tmp_path / "page.pdf"
    page = (digits_run / "report.html").as_uri()
    user = f"--user-data-dir={tmp_path / 'user'}"
    chromium(user, f"--screenshot={shot}", "--window-size=1200,3000", page)
    with image_module.open(shot) as picture:
        assert picture.size == (1200, 3000)
        assert len(picture.convert("RGB").getcolors(2**24)) > 100
    chromium(user, f"--print-to-pdf={paper}", page)
    assert paper.read_bytes().startswith(b"%PDF")
    assert paper.stat().st_size > 30_000


def test_the_probe_can_fail(tmp_path, look):
    """That what is wrong is seen: a script, a wide box, a faint text, a broken picture."""
    (tmp_path / "report.html").write_text(
        "<!DOCTYPE html><meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
        "<body><script>alert(1)</script><table width=2000><td>wide</table>"
        "<p><font color='#aaaaaa'>faint</font></p><img src='nowhere.png' alt='broken' width=9>"
    )
    found = look(tmp_path, 390, LIGHT)
    assert found["console"]
    assert found["beyond"] > 1000
    assert [text for text, *_ in found["low"]] == ["faint"]
    assert found["broken"] == ["broken"]
