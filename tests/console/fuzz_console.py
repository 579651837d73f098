"""schemathesis against a console of its own, by the console's own /openapi.json: every check, negative data too.

    python tests/console/fuzz_console.py [--max-examples 100 ...]      any option of `schemathesis run`

The exit code is that of schemathesis: 0 when it finds nothing.
"""

import re
import subprocess
import sys
import tempfile


def main():
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-u", "-m", "drift_console", "--port", "0", "--data-dir", data]
        console = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            url = next(found[0] for line in console.stdout if (found := re.search(r"http://[\d.]+:\d+", line)))
            checks = ["--checks", "all", "--mode", "all", "--continue-on-failure", "--wait-for-schema", "30"]
            fuzz = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", *checks, *sys.argv[1:]]
            code = subprocess.run(fuzz, check=False).returncode
        finally:
            console.terminate()
            console.communicate(timeout=60)
        if console.returncode:
            raise SystemExit(f"the console ended with {console.returncode}")
        raise SystemExit(code)


if __name__ == "__main__":
    main()
