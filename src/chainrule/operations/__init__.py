"""Every rule, one file per family: a row says what an operation computes and how it is derived."""
