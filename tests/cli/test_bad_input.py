"""Bad input gives one clear message on standard error, and exit code 2."""

import os
import sys

import pytest

LONG = "n" * 300  # longer than the name of a file may be

BAD = {
    # the target
    "explain": "Missing argument 'FILE.py:FUNCTION'",
    "explain model.py": "'model.py' names no function: write model.py:FUNCTION",
    "explain model.py:": "'model.py:' names no function: write model.py:FUNCTION",
    "explain :f": "':f' names no file: write FILE.py:f",
    "explain model:f": "there is no file model; did you mean model.py?",
    f"explain {LONG}.py:f": "n.py cannot be read: File name too long",
    "explain modle.py:f": "there is no file modle.py; did you mean model.py?",
    "explain nowhere/model.py:f": "there is no file nowhere/model.py",
    "explain .:f": ". is a folder, not a Python file",
    "explain notes.ipynb:f": "notes.ipynb is a notebook: call chainrule.explain in it",
    "explain model.py:nett": "model.py has no function nett; did you mean net?",
    "explain model.py:zzz": "model.py has no function zzz; it has f, net, by_name,",
    "explain helper.py:zzz": "helper.py has no function zzz; it has double",
    "explain model.py:Model": "Model in model.py is a class: name a function",
    "explain model.py:Model.losss": "model.py has no function Model.losss",
    "explain model.py:CONSTANT": "CONSTANT in model.py is no function, it has the type int",
    "explain model.py:later --at x=1": "later in model.py is async: name a function that returns a",
    "explain model.py:several --at x=1": "several in model.py is a generator: name a function",
    "explain model.py:Model.scaled --at w=1": "model = Model(...), and name model.scaled",
    "explain model.py:math.sqrt": "",  # has a signature: x is missing
    # a file that does not run
    "explain syntax.py:f": "syntax.py, line 2: SyntaxError: invalid syntax\n    return x +\n",
    "explain imports.py:f": "No module named 'no_such_module'\n  imports.py, line 1\n    import ",
    "explain raises.py:f": "list index out of range\n  raises.py, line 2\n    print(W[5])",
    "explain leaves.py:f": "the code called sys.exit\n  leaves.py, line 2\n    sys.exit(3)",
    "explain binary.py:f": "binary.py: SyntaxError: ",
    # arguments
    "explain model.py:f": "f needs x: add --at x=VALUE",
    "explain model.py:net": "net needs x and W1 and b1: add --at x=VALUE --at W1=VALUE --at b1=V",
    "explain model.py:net --at x=1 --at w1=1": "net has no parameter w1: did you mean W1?",
    "explain model.py:f --at q=1": "f has no parameter q: its parameters are x, y, n",
    "explain model.py:many --at x=1": "many has no parameter x: it takes no named arguments",
    "explain model.py:f --at x": "--at x: write --at name=value, for example --at x=3",
    "explain model.py:f --at =3": "--at =3: write --at name=value",
    "explain model.py:f --at x=": "--at x= has no value: write a number",
    "explain model.py:f --at x=3 --at x=4": "--at gives x twice",
    "explain model.py:f --at x=3 --static x=4": "x is given by both --at and --static",
    "explain model.py:f --at": "Option '--at' requires an argument",
    "explain model.py:f --static x=3": "f got no float argument to differentiate by",
    "explain model.py:by_name --at x=3 --at scale=2": "scale can be given to by_name by keyword",
    "explain model.py:f --at x=3 --argnums=": "--argnums : '' is no argument of this call of f",
    "explain model.py:f --at x=3 --argnums z": "--argnums z: 'z' is no argument of this call of f",
    "explain model.py:f --at x=3 --argnums 5": "--argnums 5: '5' is no argument of this call of f",
    # values
    "explain model.py:f --at x=three": "x: 'three' is not a number: write a number (3.5), an array",
    "explain model.py:f --at x=1/3": "x: '1/3' is not a number",
    "explain model.py:f --at x=true": "x: 'true' is not a number",
    "explain model.py:f --at x=[1,2": "x: not valid JSON, Expecting ',' delimiter at character 5",
    "explain model.py:f --at x=[1,null]": "x: null is not a number",
    'explain model.py:f --at x=[1,"a"]': 'x: "a" is not a number',
    'explain model.py:f --at x={"a":true}': "x['a']: true is not a number",
    "explain model.py:f --at x=[[1],[1,2]]": "x: the rows of the array have different lengths",
    "explain model.py:f --at x=" + "[" * 20_000: "x: maximum recursion depth exceeded",
    "explain model.py:f --static x=[1": "x: not valid JSON",
    "explain model.py:f --at x=@V.npy": "x: there is no file V.npy",
    "explain model.py:f --at x=@": "x: @ names no file: write the file after it, x=@W.npy",
    f"explain model.py:f --at x=@{LONG}": "n cannot be read: File name too long",
    "explain model.py:f --at x=@.": "x: . cannot be read: Is a directory",
    "explain model.py:f --at x=@broken.npy": "x: broken.npy is not a readable .npy file",
    "explain model.py:f --at x=@empty.npy": "x: empty.npy is not a readable .npy file",
    "explain model.py:f --at x=@model.py": "x: model.py is not a readable .npy file",
    "explain model.py:f --at x=@objects.npy": "x: objects.npy holds Python objects, which could",
    "explain model.py:f --at x=@both.npz": "x: both.npz is an archive of several arrays",
    "explain model.py:f --at x=@words.npy": "x: words.npy holds <U1, not real numbers",
    "explain model.py:f --at x=@labels.npy": "f got no float argument to differentiate by",
    # the user's function raises
    "check model.py:wrong --at x=3": "math domain error\n  model.py, line 32, in wrong\n",
    "check model.py:closes --at x=3": "GeneratorExit: (no message)\n  model.py, line 79, in closes",
    "check model.py:unprintable --at x=3": "Unprintable: (its message cannot be shown",
    "check model.py:own_pipe --at x=3": "BrokenPipeError: the pipe of f\n  model.py, line 83",
    "check model.py:leaves --at x=3": "the code called sys.exit\n  model.py, line 40, in leaves\n",
    "check model.py:net --at x=[1,2] --at W1=[[1,2,3]] --at b1=0": (
        "\n  model.py, line 13, in net\n    h1 = x @ W1 + b1: x is (2,), W1 is (1, 3)\n"
    ),
    "explain model.py:net --at x=[1,2] --at W1=[[1,2,3]] --at b1=0": (
        "\n  model.py, line 13, in net\n    h1 = x @ W1 + b1: x is (2,), W1 is (1, 3)\n"
    ),
    "explain model.py:whole --at x=3": "int(x) * 2",
    "explain model.py:net --at x=[[1,2]] --at W1=[[1],[2]] --at b1=0 --argnums=x,": "''",
    # files to write
    "explain model.py:f --at x=3 --svg nowhere/f.svg": "f.svg: cannot be written: No such file",
    "explain model.py:f --at x=3 --svg W.npy/f.svg": "f.svg: cannot be written: Not a directory",
    f"explain model.py:f --at x=3 --svg {LONG}": "n: cannot be written: File name too long",
    "explain model.py:f --at x=3 --svg a.svg --dot b/b": "--dot b/b: cannot be written: No such",
    "explain model.py:f --at x=3 --svg .": "this is a folder",
    "explain model.py:f --at x=3 --save model.py": "would overwrite the file that the function is",
    "explain model.py:f --at x=3 --svg a --dot ./a": "--svg and --dot name the same file",
    # the command line itself
    "explian model.py:f": "No such command 'explian'",
    "explain model.py:f --att x=3": "No such option: --att",
    "explain model.py:net --at x=[[1, 2]]": "in quotes if it has spaces: --at 'W=[[1, 2]]'",
    "review model.py:hand": "Missing argument 'FILE.py:FUNCTION'",
    "review model.py:hnd model.py:f --at x=3": "model.py has no function hnd; did you mean hand?",
    "review nowhere.py:hand model.py:f --at x=3": "there is no file nowhere.py",
    "review syntax.py:hand model.py:f --at x=3": "syntax.py, line 2: SyntaxError",
}


@pytest.mark.parametrize(("command", "message"), BAD.items(), ids=[c[:60] for c in BAD])
def test_bad_input(chainrule, folder, command, message):
    before = sorted(os.listdir(folder))
    path = list(sys.path)
    code, out, err = chainrule(*command.split())
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert "Traceback" not in err
    assert os.path.join("src", "chainrule") not in err
    assert len(err.replace(LONG, "")) < 400
    assert sorted(os.listdir(folder)) == before  # no file half written, no __pycache__
    assert sys.path == path
    assert "model" not in sys.modules


def test_traceback_on_request_shows_the_users_frames_alone(chainrule):
    code, _, err = chainrule("check", "model.py:wrong", "--at", "x=3", "--traceback")
    assert code == 2
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.count("  File ") == 1
    assert "error: ValueError: math domain error" in err
    assert "chainrule" not in err.replace(os.getcwd(), "")


def test_a_target_without_write_permission(chainrule, folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    code, _, err = chainrule("explain", "model.py:f", "--at", "x=3", "--svg", "readonly.svg")
    assert code == 2
    assert "readonly.svg: cannot be written: Permission denied" in err
    assert (folder / "readonly.svg").read_text() == "old"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize(
    "options", [("--svg", "/dev/full"), ("--dot", "a.dot", "--save", "/dev/full")]
)
def test_a_full_disk_is_told_of_the_option_it_is_met_at(chainrule, folder, options):
    code, out, err = chainrule("explain", "model.py:f", "--at", "x=3", *options)
    assert (code, out) == (2, "")
    assert err == f"error: {options[-2]} /dev/full: cannot be written: No space left on device\n"
    assert not (folder / "a.dot").exists()


def test_interruption(chainrule):
    assert chainrule("check", "model.py:interrupted", "--at", "x=3")[0] == 130


def test_an_existing_module_survives_an_error_and_a_picture_shows_it(chainrule, folder):
    for name in ("old.py", "old.svg"):
        (folder / name).write_text("old")
    options = ["--save", "old.py", "--svg", "old.svg"]
    code, _, _ = chainrule("explain", "model.py:wrong", "--at", "x=3", *options)
    assert code == 2
    assert (folder / "old.py").read_text() == "old"
    assert "Error" in (folder / "old.svg").read_text()
