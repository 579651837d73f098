"""Past traffic through the detectors.

Windows of stored or read rows go in; what each detector would have said comes out.
"""
