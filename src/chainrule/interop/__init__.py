"""Other libraries' ways of calling chainrule, each loaded when it is imported."""
