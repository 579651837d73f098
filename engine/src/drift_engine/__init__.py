"""The prediction engine: model files, the kernel that walks them, and the bundles that hold them.

It needs the standard library and the contracts only, so that a cold start stays short.
"""
