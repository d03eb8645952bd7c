"""The commands on good input: what they print, write and return."""

import importlib.util
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

F = ("model.py:f", "--at", "x=3", "--at", "y=-4")


def load(path):
    spec = importlib.util.spec_from_file_location("saved", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_explain_prints_the_stages_with_their_numbers(chainrule):
    code, out, err = chainrule("explain", *F)
    assert (code, err) == (0, "")
    for text in ("q = x * y", "z = q**3", "-12", "-1728", "dq", "432"):
        assert text in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "\x1b" not in out


@pytest.mark.parametrize("command", ["explain", "check"])
def test_the_last_line_ends(chainrule, command):
    _, out, _ = chainrule(command, *F)
    assert out.endswith("\n")
    assert not out.endswith("\n\n")


def test_explain_takes_constants_as_they_are(chainrule):
    _, out, _ = chainrule("explain", "model.py:f", "--at", "x=3", "--static", "n=2")
    assert "36" in out
    assert "dx" in out
    assert "dy" not in out  # y is 2.0 by default, a constant
    assert "dn" not in out


def test_keyword_only_parameters(chainrule):
    code, out, _ = chainrule("check", "model.py:by_name", "--at", "x=3", "--static", "scale=5.0")
    assert code == 0
    assert "15" in out


def test_argnums_by_name_and_by_position(chainrule):
    by_name = chainrule("explain", *F, "--argnums", "y")
    assert by_name == chainrule("explain", *F, "--argnums=1")
    assert "dy" in by_name[1]
    assert "dx" not in by_name[1]


@pytest.mark.parametrize(
    "values",
    [
        ["x=[1, -2]", "W1=[[1, 2], [3, 4]]", "b1=[0, 0.5]"],
        ["x=[1, -2]", "W1=@W.npy", "b1=0"],
        ["x=[[1, -2]]", "W1=@./W.npy", "b1= 1e-3 "],
    ],
)
def test_arrays(chainrule, values):
    at = [word for value in values for word in ("--at", value)]
    code, out, _ = chainrule("check", "model.py:net", *at)
    assert code == 0
    assert "W1" in out


def test_trees(chainrule):
    code, out, _ = chainrule(
        "check", "model.py:tree", "--at", 'params={"W": [[1, 2]], "b": [3]}', "--at", "x=[1, 1]"
    )
    assert code == 0
    assert "params['W']" in out or "W" in out


def test_an_integer_file_keeps_its_type(chainrule):
    code, _, err = chainrule(
        "check",
        "model.py:pick",
        *("--at", "x=[1, 2, 3]"),
        *("--at", "labels=@labels.npy"),
        *("--static", "kind=mean"),
    )
    assert (code, err) == (0, "")


def test_dotted_names_and_neighbouring_modules(chainrule):
    assert chainrule("check", "model.py:Model.loss", "--at", "w=3")[0] == 0
    assert chainrule("check", "model.py:model.scaled", "--at", "w=3")[0] == 0
    assert chainrule("check", "neighbour.py:f", "--at", "x=3")[0] == 0


def test_a_file_in_a_package_imports_relatively(chainrule):
    path = list(sys.path)
    assert chainrule("check", "outer/inner/relative.py:f", "--at", "x=3")[0] == 0
    assert sys.path == path


def test_check_says_what_differs(chainrule, folder):
    (folder / "kinked.py").write_text(
        "import numpy as np\nimport chainrule as cr\n"
        "off = cr.elementwise('off_by_two', lambda x: x * x, d=lambda x, y: x)\n"
        "def f(x):\n    return off(x)\n"
    )
    code, out, err = chainrule("check", "kinked.py:f", "--at", "x=3")
    assert (code, err) == (1, "")
    assert "wrong" in out


def test_review_passes_and_fails(chainrule):
    code, out, err = chainrule("review", "model.py:hand", *F)
    assert (code, err) == (0, "")
    code, out, err = chainrule("review", "model.py:bad_hand", *F)
    assert (code, err) == (1, "")
    assert "dq" in out


def test_review_of_a_function_in_another_file(chainrule, folder):
    (folder / "homework").mkdir()
    shutil.copy("model.py", "homework/model.py")  # two modules of one name
    assert chainrule("review", "homework/model.py:hand", *F)[0] == 0


def test_files_are_written(chainrule, folder):
    code, out, _ = chainrule(
        "explain", *F, "--svg", "f.svg", "--dot", "f.dot", "--save", "f_gradient.py"
    )
    assert code == 0
    assert "wrote f.svg\nwrote f.dot\nwrote f_gradient.py\n" in out
    assert (folder / "f.svg").read_text().startswith(("<svg", "<?xml"))
    assert "digraph" in (folder / "f.dot").read_text()
    value, (dx, dy) = load(folder / "f_gradient.py").f_gradient(3.0, -4.0)
    assert (value, dx, dy) == (-1728.0, -1728.0, 1296.0)
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


def test_an_existing_file_is_replaced_and_keeps_its_mode(chainrule, folder):
    (folder / "f.svg").write_text("old")
    os.chmod("f.svg", 0o640)
    os.symlink("f.svg", "link.svg")
    assert chainrule("explain", *F, "--svg", "link.svg")[0] == 0
    assert os.path.islink("link.svg")
    assert "old" not in (folder / "f.svg").read_text()[:10]
    assert os.stat("f.svg").st_mode & 0o777 == 0o640


def test_a_device_is_written_to_directly(chainrule):
    assert chainrule("explain", *F, "--svg", os.devnull)[0] == 0
    assert os.path.exists(os.devnull)


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line_each_and_name_the_users_line(chainrule, folder):
    (folder / "steep.py").write_text(
        "import numpy as np\n\n\ndef f(x):\n    y = np.exp(x)\n    return 1 / (1 + y)\n"
    )
    code, _, err = chainrule("check", "steep.py:f", "--at", "x=1000")
    assert code == 0
    assert err == "warning: overflow encountered in exp (steep.py, line 5)\n"


@pytest.mark.parametrize(
    "command",
    [(), ("explain",), ("check",), ("review",), ("train",), ("predict",), ("diagnose",)],
)
def test_help_fits_and_teaches(chainrule, command):
    code, out, err = chainrule(*command, "--help")
    assert (code, err) == (0, "")
    assert "Example: chainrule " in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_no_command_shows_the_help(chainrule):
    assert chainrule() == chainrule("--help")


def test_version(chainrule):
    import chainrule as cr

    assert chainrule("--version") == (0, f"chainrule {cr.__version__}\n", "")


def test_the_entry_point_as_a_process(folder):
    run = [sys.executable, "-m", "chainrule", "check", *F]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "f" in done.stdout
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(run, capture_output=True, text=True, check=False, env=ascii_only)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "words",
    [
        "explain --help",
        "explain model.py:f --at x=3 --svg f.svg",
        "check model.py:f --at x=3",
        "review model.py:hand model.py:f --at x=3",
        "check prints.py:f --at x=3",
    ],
)
def test_a_reader_that_stops_early(folder, words):
    (folder / "prints.py").write_text("def f(x):\n    print('x' * 100_000)\n    return x\n")
    read, write = os.pipe()
    os.close(read)  # as `| head` does
    run = [sys.executable, "-m", "chainrule", *words.split()]
    done = subprocess.run(run, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
    assert (folder / "f.svg").exists() is ("f.svg" in words)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_output_that_cannot_be_written(folder):
    run = [sys.executable, "-m", "chainrule", "check", *F]
    with open("/dev/full", "w") as full:
        done = subprocess.run(run, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    message = "error: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, message)


def test_no_output_wanted(folder):
    command = f"{sys.executable} -m chainrule check {' '.join(F)} >&-"
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("option", ["--svg", "--dot", "--save"])
def test_a_pipe_is_written_to(folder, option):
    run = [sys.executable, "-m", "chainrule", "explain", *F, option, "/dev/stdout"]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith({"--svg": "<svg", "--dot": "digraph", "--save": "def f_"}[option])
    assert "backward pass" in done.stdout


def test_numbers_reach_the_function_as_floats(folder, chainrule):
    (folder / "types.py").write_text(
        "def f(x, n):\n    assert type(n) is int\n    return x * n / len(str(n))\n"
    )
    assert chainrule("check", "types.py:f", "--at", "x=3", "--static", "n=5")[0] == 0
    assert np.isfinite(float("3"))


def test_a_terminal_that_says_it_has_no_columns(chainrule, monkeypatch):
    monkeypatch.setenv("COLUMNS", "0")
    code, out, _ = chainrule("explain", "model.py:f", "--at", "x=3")
    assert code == 0
    assert "x" in out
