"""Print how long the explorer takes to redraw after a move of its slider, in headless Chromium."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from phasediag.explorer import build

MOVES = """<pre id="answer"></pre><script>
const answers = [];
for (const count of [2, 7, 40]) {
  state = { ...DEFAULT, criterion: "resolution_typical", d: String(3 * count), alpha: "0.2",
    var: Array.from({ length: count }, (_, k) => 0.8 ** k).join(), dims: Array(count).fill(3).join() };
  fill(); redraw();
  const times = [];
  for (let i = 0; i < 41; i++) {
    const began = performance.now();
    change("alphaSlider", String(300 + 10 * i));
    document.getElementById("diagram").getBoundingClientRect();
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  answers.push(`${count} subspaces: ${[0, 20, 40].map(i => times[i].toFixed(1)).join(", ")} ms (least, median, most)`);
}
document.getElementById("answer").textContent = answers.join("\\n");
</script></body>"""

browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
with tempfile.TemporaryDirectory() as folder:
    page = Path(folder, "page.html")
    page.write_text(build().replace("</body>", MOVES), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", "--dump-dom"]
    command = [str(browser), *options, "--virtual-time-budget=60000", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True).stdout
print(re.search(r'<pre id="answer">(.*?)</pre>', dom, re.DOTALL)[1])
