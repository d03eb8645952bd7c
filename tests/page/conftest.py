"""A browser for the pages, and Node for their arithmetic: what needs one is left out without it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

NODE = shutil.which("node")

_RUN = """\
const jobs = JSON.parse(require("fs").readFileSync(0));
const read = ([single, values]) => {
  const numbers = values.map((x) => Number(x.replace("inf", "Infinity")));
  return single ? Float32Array.from(numbers) : Float64Array.from(numbers);
};
const results = jobs.map(({ source, inputs, constants }) => {
  const program = (0, eval)(source)(inputs.map(read), constants.map(read));
  program.run();
  program.run(); // nothing is left of the run before
  return program.outputs.map((numbers) => Array.from(numbers, String));
});
console.log(JSON.stringify(results));
"""


def _written(value: Any) -> list[Any]:
    value = np.asarray(value)
    return [value.dtype == np.float32, [repr(float(x)) for x in value.ravel()]]


@pytest.fixture(scope="session")
def run_scripts() -> Callable[[list[tuple[Any, list[Any]]]], list[list[list[float]]]]:
    """Return what runs scripts with inputs in Node, all of them in one process."""
    if NODE is None:
        pytest.skip("no node here")

    def run(jobs: list[tuple[Any, list[Any]]]) -> list[list[list[float]]]:
        text = json.dumps(
            [
                {
                    "source": script.source,
                    "inputs": [_written(x) for x in inputs],
                    "constants": [_written(x) for x in script.constants],
                }
                for script, inputs in jobs
            ]
        )
        done = subprocess.run(
            [NODE, "-e", _RUN], input=text, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found = json.loads(done.stdout)
        return [[[float(x.replace("Infinity", "inf")) for x in o] for o in one] for one in found]

    return run


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium without a window and without a network."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for option in (
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1400,900",
        "--lang=en",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(option)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
    )
    yield driver
    driver.quit()
