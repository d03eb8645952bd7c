"""The same diagnosis of models that are written with PyTorch.

A run is recorded by a mode that sees every function of PyTorch that is called, whether by a layer
or by the user's own code, with its line; what is looked for in it is the same.

To be read in this order: subject (a model and its loss, and how they are called), recording (what
functions are called), probe (one run, by layer), modes (of layers), gradients (that somebody
wrote), trial (steps that are tried), diagnose, spelling (what to do, in words of PyTorch).
"""

from chainrule.diagnose.torch.diagnose import diagnose_module

__all__ = ["diagnose_module"]
