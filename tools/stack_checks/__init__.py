"""The graph of a stack without an account: captured, checked, and rendered for judges of other houses."""
