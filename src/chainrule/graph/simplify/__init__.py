"""Rules that make a gradient as short as a person would write it.

Every rule is a function of one vertex. It returns a simpler vertex of the same value, shape and
dtype, or None where it has nothing to say. The vertices that it compares are expected to be shared,
so that the same computation is the same object. `rules` lists all of them and has the pass that
applies them, `simplify`; the other files each have those of one subject.
"""
