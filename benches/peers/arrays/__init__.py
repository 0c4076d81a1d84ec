"""The cases of `strata-benches arrays`, by its peers: a file a case, a function an engine.

Each function is given what there is to do (`scale`, `store`, `out`, `units`), prepares what is not
measured, and returns what is: a function without arguments, which returns a number that tells whether the
answer is right. Where values are kept in memory, it says in `held` how many bytes they take.
"""


def scaled(work, full, small, tiny):
    return {"full": full, "small": small, "tiny": tiny}[work["scale"]]
