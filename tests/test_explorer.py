"""The page in the browser computes what the package computes."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from phasediag import LinearManifold, condensation_time, critical_times
from phasediag.explorer import PAGE, build
from phasediag.noise import CONVENTIONS, from_ve

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
COLUMNS = {
    "rem_gaussian": {"criterion": "rem", "closure": "gaussian"},
    "rem_exact": {"criterion": "rem"},
    "isolated": {"criterion": "isolated"},
    "resolution": {"criterion": "resolution"},
    "score": {"criterion": "score"},
    "resolution_typical": {"criterion": "resolution", "probe": "typical"},
    "score_typical": {"criterion": "score", "probe": "typical"},
}
RUN = """<pre id="answer"></pre><script>
addEventListener("error", event => {{ document.title = "failed: " + event.message; }});
const settings = {settings}, answers = [];
for (const setting of settings) {{
  Object.assign(state, setting);
  const found = compute();
  answers.push({{ times: found.times, condensation: found.condensation,
    clocks: Object.fromEntries(Object.entries(CLOCKS).map(([name, f]) => [name, f[0](found.condensation.typical)])) }});
}}
state = {{ ...DEFAULT, criterion: "resolution" }}; fill(); redraw();
const began = performance.now();
for (let i = 0; i < 20; i++) change("alphaSlider", String(300 + 10 * i));
document.getElementById("answer").textContent =
  JSON.stringify({{ answers, milliseconds: (performance.now() - began) / 20,
    paths: document.querySelectorAll("#diagram path").length }});
</script></body>"""


def test_the_page_is_what_the_symbolic_room_writes():
    assert PAGE.read_text(encoding="utf-8") == build(), "run python -m phasediag.explorer"


def test_the_page_needs_nothing_else():
    text = PAGE.read_text(encoding="utf-8")
    links = set(re.findall(r"https?://[\w./-]+", text))
    assert links <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}
    assert not re.search(r"<(script|img|link)[^>]+(src|href)=", text)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_two_hundred_settings_agree_in_the_browser(tmp_path):
    rng = np.random.default_rng(0)
    settings, manifolds = [], []
    for _ in range(200):
        count = int(rng.integers(1, 5))
        s, dims = 10 ** rng.uniform(-2, 2, count), rng.integers(1, 30, count)
        d, alpha = int(dims.sum() + rng.integers(0, 20)), float(10 ** rng.uniform(-1.5, 0.3))
        manifolds.append((LinearManifold(s, dims.tolist(), d), alpha))
        settings.append(
            {
                "var": ",".join(map(repr, s.tolist())),
                "dims": ",".join(map(str, dims)),
                "d": str(d),
                "alpha": repr(alpha),
            }
        )
    page = tmp_path / "page.html"
    page.write_text(build().replace("</body>", RUN.format(settings=json.dumps(settings))), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    options += [
        "--disable-background-networking",
        "--disable-component-update",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    command = [CHROMIUM, *options, "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert "<title>failed" not in dom
    answer = json.loads(re.search(r'<pre id="answer">(.*?)</pre>', dom, re.S)[1])
    assert answer["paths"] > 10
    for (m, alpha), found in zip(manifolds, answer["answers"], strict=True):
        for name, how in COLUMNS.items():
            np.testing.assert_allclose(found["times"][name], critical_times(m, alpha, **how), rtol=1e-10)
        for probe in ("typical", "origin"):
            t_c = condensation_time(m, alpha, probe)
            assert found["condensation"][probe] == pytest.approx(t_c, rel=1e-10)
        for clock in CONVENTIONS:
            expected = float(from_ve(condensation_time(m, alpha), clock))
            assert found["clocks"][clock] == pytest.approx(expected, rel=1e-10)
