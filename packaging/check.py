"""Install the wheel and the sdist in dist/ as a stranger would, and use them. ``make package`` runs it."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from zipfile import ZipFile

DIST = Path(__file__).parent.parent / "dist"
LIMIT = 1_000_000  # bytes of a wheel
SHIPPED = ("phasediag/py.typed", "phasediag/plotting/phasediag.mplstyle", "phasediag/explorer/index.html")
COMMANDS = (
    ("critical-times", "--var", "1,0.3", "--dims", "2,5", "--alpha", "0.23"),
    ("explore", "--path"),
    ("figure", "gaps", "-o", "gaps.pdf"),
    ("diagram", "--var", "1,0.3", "--dims", "2,5", "--ambient-dim", "30", "-o", "diagram.png"),
)


def main() -> None:
    """Check both archives."""
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    names, size = ZipFile(wheel).namelist(), wheel.stat().st_size
    absent = [name for name in SHIPPED if name not in names]
    foreign = [name for name in names if not name.startswith("phasediag")]
    if absent or foreign or size > LIMIT:
        sys.exit(f"{wheel.name}: {size} bytes, without {absent}, with {foreign}")
    print(
        f"{wheel.name}: {size / 1000:.0f} kB of {LIMIT / 1000:.0f}; {sdist.name}: {sdist.stat().st_size / 1000:.0f} kB"
    )
    for archive in (wheel, sdist):
        with tempfile.TemporaryDirectory() as folder:
            use(archive, Path(folder))


def use(archive: Path, folder: Path) -> None:
    """Install an archive into a fresh environment and run what the README begins with."""
    venv.create(folder / "env", with_pip=True)
    programs = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    install = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", archive]
    subprocess.run(install, check=True)
    for command in COMMANDS:
        subprocess.run([programs / "phasediag", *command], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    page = subprocess.check_output([programs / "phasediag", "explore", "--path"], text=True).strip()
    if not (Path(page).is_file() and (folder / "gaps.pdf").is_file() and (folder / "diagram.png").is_file()):
        sys.exit(f"{archive.name}: a command left no file")
    print(f"{archive.name}: installed, {len(COMMANDS)} commands run")


if __name__ == "__main__":
    main()
