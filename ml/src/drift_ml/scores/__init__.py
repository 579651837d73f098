"""How good a model is on rows that it has not seen, with bootstrap intervals.

`regression` scores numbers, `classification` probabilities and labels. numpy is all that is needed,
so that a model can be scored wherever it was trained.
"""
