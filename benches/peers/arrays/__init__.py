"""The cases of `strata-benches arrays`, by its peers: a file a case, a function an engine.

Each function is given what there is to do (`scale`, `cube`, `out`, `units`), prepares what is not
measured, and returns what is: a function without arguments, which returns a number that tells whether the
answer is right.
"""


def scaled(work, full, small, tiny):
    return {"full": full, "small": small, "tiny": tiny}[work["scale"]]
